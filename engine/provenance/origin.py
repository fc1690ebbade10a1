"""What a photo's own credentials hand down to its clip, taken out of a stranger's bytes in a child process.

A photo that Telegram compressed carries none; a file may. Its manifest stays in the clip as an ingredient, so that
the chain from the camera on can be read, but previews and everything that describes the photo are redacted: what
is signed is public for ever. What cannot be redacted is the claim itself: the name of the tool, a title where
the tool wrote one, and the certificate.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import c2pa
import msgspec

from engine.provenance.verify import Link, media_type, read_credentials, trusting

LABEL = "photo"
"""Under which actions refer to the ingredient."""

MAX_ARCHIVE_BYTES = 2 * 2**20
"""A preview of a thousand pixels and a few manifests; more is not carried along."""

KEPT = ("c2pa.actions", "c2pa.hash.", "c2pa.ingredient", "c2pa.ai-disclosure", "cawg.training-mining")
"""How the labels of assertions begin that stay: what was done, what is bound, and the author's wish. Actions and
hashes may not be redacted (C2PA 2.2 §6.8); of the rest a list of what is harmless is safer than one of what is not."""

INGREDIENT = {"title": "source photo", "relationship": "inputTo", "label": LABEL}


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """A photo's manifests as the library's ingredient archive, and the addresses of what is to be redacted in them."""

    archive: bytes
    redacted: tuple[str, ...]


class Untrusted(msgspec.Struct, frozen=True, tag=True):
    """A photo as a stranger sent it, and the anchor of our own clips."""

    data: bytes
    root_pem: str


class Taken(msgspec.Struct, frozen=True, tag=True):
    """What the child found; None where the photo has no credentials that hold."""

    origin: Origin | None


def main(link: Link) -> None:
    """The child: one photo, one answer."""
    photo: Untrusted = link.receive(Untrusted)
    link.send(Taken(take_origin(photo.data, root_pem=photo.root_pem)))


def may_have_credentials(data: bytes) -> bool:
    """Whether it is worth a child: the names of C2PA's boxes stand in the file as they are."""
    return b"jumb" in data and b"c2pa" in data


def take_origin(data: bytes, *, root_pem: str) -> Origin | None:
    """None where there are no credentials, they do not belong to these bytes, or they are too large to carry."""
    kind = media_type(data)
    if kind is None or kind == "video/mp4":
        return None
    with trusting(root_pem) as context:
        if not read_credentials(io.BytesIO(data), kind=kind, context=context).intact:
            return None
        try:
            redacted = _private_parts(data, kind=kind, context=context)
            archive = _archive(data, kind=kind, context=context)
        except c2pa.C2paError:
            return None
    if redacted is None or len(archive) > MAX_ARCHIVE_BYTES:
        return None
    return Origin(archive=archive, redacted=redacted)


def _private_parts(data: bytes, *, kind: str, context: c2pa.Context) -> tuple[str, ...] | None:
    """Addresses of all that is not KEPT, in every manifest; None where a manifest holds more than assertions."""
    with c2pa.Reader(kind, io.BytesIO(data), context=context) as reader:
        manifests: Mapping[str, Mapping[str, Any]] = msgspec.json.decode(reader.detailed_json())["manifests"]
    if any(set(manifest) > {"claim", "assertion_store", "signature"} for manifest in manifests.values()):
        return None  # data boxes and personal credentials: they cannot be redacted
    return tuple(_addresses(manifests))


def _addresses(manifests: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, manifest in manifests.items():
        for label in manifest["assertion_store"]:
            if not label.startswith(KEPT):
                yield f"self#jumbf=/c2pa/{name}/c2pa.assertions/{label}"


def _archive(data: bytes, *, kind: str, context: c2pa.Context) -> bytes:
    archive = io.BytesIO()
    with c2pa.Builder({"claim_generator_info": [{"name": "Zoetrope"}]}, context=context) as builder:
        builder.add_ingredient(INGREDIENT, kind, io.BytesIO(data))
        builder.write_ingredient_archive(LABEL, archive)
    return archive.getvalue()
