"""What is known of a file from the credentials in it: an answer for every file, however strange.

`main` runs it in a child process, one file per process: strangers' files are parsed by native code, and the
process that holds the signing key is no place for that. Nothing here opens a connection.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

import c2pa
import msgspec

from engine.provenance.source_type import IPTC
from engine.schema import Finding, Layer, VerifyReport

AGENT = "Zoetrope/"
"""Stands before the renderer's name in the software agent of a clip's first action."""

_OWN_ANCHORS = "user_anchors"
_UNKNOWN_ISSUER = frozenset({"signingCredential.untrusted", "signingCredential.expired"})
"""Failures that speak about who signed; every other failure says that the file is not what was signed."""


class Question(msgspec.Struct, frozen=True, tag=True):
    """One file, and the anchor by which we know our own."""

    data: bytes
    root_pem: str


class Link(Protocol):
    """The part of `engine.children.Link` that this child needs; that module stands above this one."""

    def receive(self, kind: Any) -> Any: ...

    def send(self, message: msgspec.Struct) -> None: ...


def main(link: Link) -> None:
    """The child: one question, one answer."""
    question: Question = link.receive(Question)
    link.send(examine(question.data, root_pem=question.root_pem))


def examine(data: bytes, *, root_pem: str) -> VerifyReport:
    """What the credentials in `data` say. Never raises for what the bytes are."""
    kind = media_type(data)
    if kind is None:
        return nothing(Finding.NO_CREDENTIALS)
    with trusting(root_pem) as context:
        return read_credentials(io.BytesIO(data), kind=kind, context=context)


def trusting(root_pem: str) -> c2pa.Context:
    """A context with our root as its only anchor that neither follows an address nor asks for revocation.

    Both network switches are off: with the library's defaults, a file's XMP names any URL and it is fetched
    (measured). Misspelt settings are accepted silently, so the tests check the effect of each.
    """
    return c2pa.Context.from_dict(
        {
            "version": 1,
            "core": {"allowed_network_hosts": []},
            "verify": {
                "verify_after_sign": False,  # `credentials.py` reads the whole file back itself
                "verify_trust": True,
                "ocsp_fetch": False,
                "remote_manifest_fetch": False,
            },
            "builder": {"thumbnail": {"enabled": False}},
            "trust": {_OWN_ANCHORS: root_pem},
        }
    )


def read_credentials(file: BinaryIO, *, kind: str, context: c2pa.Context) -> VerifyReport:
    """What the credentials in an open file say; `kind` is its media type."""
    try:
        with c2pa.Reader(kind, file, context=context) as reader:
            return _report(msgspec.json.decode(reader.json()))
    except c2pa.C2paError as error:
        # "Remote": the file only names an address where credentials would be, and we do not call it.
        absent = isinstance(error, c2pa.C2paError.ManifestNotFound) or str(error).startswith("Remote")
        return nothing(Finding.NO_CREDENTIALS if absent else Finding.UNREADABLE)


def nothing(finding: Finding) -> VerifyReport:
    """Where no credentials can be read. That a file is whole is then unknown, and an unknown is not a yes."""
    return VerifyReport(layer=Layer.NONE, made_here=False, intact=False, detail=finding)


def media_type(data: bytes) -> str | None:
    """By the first bytes, and only kinds that our clips and people's photos have: no archives, no SVG."""
    match data[:12]:
        case head if head[4:8] == b"ftyp":
            return "image/heic" if head[8:12] in {b"heic", b"heix", b"mif1", b"msf1"} else "video/mp4"
        case head if head.startswith(b"\xff\xd8\xff"):
            return "image/jpeg"
        case head if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return "image/png"
        case head if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return "image/webp"
        case _:
            return None


def _report(store: Mapping[str, Any]) -> VerifyReport:
    """`store` is the library's reading of a manifest store.

    Only an intact file gets facts: our manifest can be pasted onto anybody's video, and then reads as changed.
    """
    finding = _finding(store)
    if finding is Finding.CHANGED:
        return VerifyReport(layer=Layer.CREDENTIALS, made_here=False, intact=False, detail=finding)
    created = _first_action(store)
    return VerifyReport(
        layer=Layer.CREDENTIALS,
        made_here=finding is Finding.MADE_HERE,
        intact=True,
        made_at=_text(created.get("when")),
        renderer=_renderer(created),
        digital_source_type=_source_type(created),
        detail=finding,
    )


def _finding(store: Mapping[str, Any]) -> Finding:
    results = store.get("validation_results", {})
    failures = set(_codes(results.get("activeManifest", {}).get("failure", ())))
    match store.get("validation_state"):
        case "Trusted" if results.get("trustListUri") == _OWN_ANCHORS:
            return Finding.MADE_HERE
        case "Trusted" | "Valid":
            return Finding.OTHER_ISSUER
        case _ if failures and failures <= _UNKNOWN_ISSUER:
            return Finding.EXPIRED if "signingCredential.expired" in failures else Finding.OTHER_ISSUER
        case _:
            return Finding.CHANGED


def _codes(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    return (str(entry.get("code")) for entry in entries)


def _first_action(store: Mapping[str, Any]) -> Mapping[str, Any]:
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    for assertion in active.get("assertions", ()):
        if str(assertion.get("label")).startswith("c2pa.actions"):
            actions: Sequence[Mapping[str, Any]] = assertion.get("data", {}).get("actions") or [{}]
            return actions[0]
    return {}


def _renderer(action: Mapping[str, Any]) -> str | None:
    """Ours only: another tool's name is a stranger's text, which is not repeated."""
    agent = action.get("softwareAgent")
    name = _text(agent.get("name")) if isinstance(agent, dict) else None
    return name.removeprefix(AGENT) if name is not None and name.startswith(AGENT) else None


def _source_type(action: Mapping[str, Any]) -> str | None:
    address = _text(action.get("digitalSourceType"))
    return None if address is None else address.removeprefix(IPTC)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
