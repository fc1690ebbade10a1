"""What can happen to a signed clip, by what a reader of credentials must say of it: for the bench and for the tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Tamper = Callable[[bytes], bytes]


def flip(data: bytes, at: int) -> bytes:
    """One bit."""
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def boxes(data: bytes) -> list[bytes]:
    """The outermost boxes of an mp4."""
    found = []
    while data:
        size = int.from_bytes(data[:4], "big")
        found.append(data[:size])
        data = data[size:]
    return found


def xmp(address: str) -> bytes:
    """Metadata that names an address where credentials are said to be."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{address}"/>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def xmp_box(address: str) -> bytes:
    """The same in a box of an mp4 (XMP part 3)."""
    body = bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + xmp(address)
    return (8 + len(body)).to_bytes(4, "big") + b"uuid" + body


def with_a_box_moved(data: bytes) -> bytes:
    """The index behind the padding instead of before it."""
    ftyp, manifest, moov, free, mdat = boxes(data)
    return ftyp + manifest + free + moov + mdat


def without_the_manifest(data: bytes) -> bytes:
    """As a player shows it, but with nothing that says where it comes from."""
    return b"".join(box for box in boxes(data) if box[4:8] != b"uuid")


CHANGED: Mapping[str, Tamper] = {
    "a bit in mdat": lambda data: flip(data, data.index(b"mdat") + 50),
    "the last byte": lambda data: flip(data, len(data) - 1),
    "a bit in moov": lambda data: flip(data, data.index(b"moov") + 30),
    "a bit in the manifest": lambda data: flip(data, data.index(b"prompt_guided")),
    "another source type": lambda data: data.replace(b"AlgorithmicMedia", b"AlgorithmicMediA"),
    "an extra XMP box": lambda data: data + xmp_box("https://example.org/"),
    "a box moved": with_a_box_moved,
    "an extra mdat": lambda data: data + b"\0\0\0\x10mdatdatadata",
}
"""The credentials are there, and do not fit."""

UNBOUND: Mapping[str, Tamper] = {
    "a bit of ftyp": lambda data: flip(data, data.index(b"ftyp") + 7),
    "an extra free box": lambda data: data + b"\0\0\0\x10freenothing.",
    "a bit of the padding of the signature": lambda data: flip(
        data, data.rindex(bytes(64), 0, data.index(b"moov")) + 32
    ),
}
"""What the standard leaves out of the hash: nothing of it can be seen."""
