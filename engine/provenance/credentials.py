"""C2PA credentials for a finished clip: what the manifest says, and signing it as the last thing done to a file.

The manifest is public for ever. It says what made the clip and that a photo went in; it holds nothing of the
photo (not a preview, not a hash), nothing of the prompt, and no id of a job, a person or a chat. Where the photo
came with credentials of its own, `origin.py` says what of them stays.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from io import BufferedReader
from pathlib import Path
from typing import Any

import c2pa

from engine import logs
from engine.errors import SigningFailed
from engine.media.clip import LabeledClip, TrainedModel
from engine.provenance.keys import RENEW, SigningKeys
from engine.provenance.origin import INGREDIENT, LABEL, Origin
from engine.provenance.source_type import IPTC, SourceType
from engine.provenance.verify import AGENT, read_credentials, trusting
from engine.schema import Finding

SPECIFICATION = "2.4.0"
MP4 = "video/mp4"

STAMP_PAUSE_SECONDS = 600.0
"""How long a time stamp authority that failed is left alone: one that does not answer costs 30 s (measured)."""

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Signature:
    """What signing gave: the file's hash and size, the manifest in it, and whether a time stamp covers it."""

    sha256: str
    size_bytes: int
    manifest: bytes = field(repr=False)
    stamped: bool


class ClipSigner:
    """Signs clips one after another; made once per process, since its C2PA objects do not survive a fork.

    `tsa_url` is an RFC 3161 time stamp authority. Without one, a clip reads as expired once the leaf is.
    """

    def __init__(
        self, keys: SigningKeys, *, tsa_url: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._context = trusting(keys.root_pem)
        self._plain = _signer(keys, tsa_url=None)
        self._stamping = _signer(keys, tsa_url=tsa_url) if tsa_url else None
        self._stamp_again_at = clock()

    def sign(self, clip: LabeledClip, *, to: Path, origin: Origin | None = None) -> Signature:
        """Write the signed file to `to`, whole and verified or not at all; the clip's own file stays.

        `origin` is what the photo's own credentials hand down; where it cannot be built in, the clip goes without.
        Raises SigningFailed where the file is not the one that was labelled, was signed before (signing again
        would silently replace its history), or does not verify afterwards.
        """
        self._check_leaf()
        try:
            self._check_source(clip)
            if origin is not None:
                try:
                    return self._sign(clip, to, origin)
                except (c2pa.C2paError, SigningFailed) as error:  # a stranger's bytes must not cost the clip
                    log.warning("photo's credentials not kept", error=type(error).__name__)
            return self._sign(clip, to, None)
        except (c2pa.C2paError, OSError) as error:
            raise SigningFailed(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        for held in (self._plain, self._stamping, self._context):
            if held is not None:
                held.close()

    def _check_leaf(self) -> None:
        if self._keys.days_left() <= 0:
            raise SigningFailed(
                f"the signing certificate expired on {self._keys.expires:%Y-%m-%d}; run {RENEW}"
            )

    def _check_source(self, clip: LabeledClip) -> None:
        with clip.path.open("rb") as file:
            if _sha256(file) != clip.sha256:
                raise SigningFailed("the file is not the one that was labelled and checked")
            if read_credentials(file, kind=MP4, context=self._context).detail != Finding.NO_CREDENTIALS:
                raise SigningFailed("the file is signed already, or is no mp4")

    def _sign(self, clip: LabeledClip, to: Path, origin: Origin | None) -> Signature:
        with _draft_beside(to) as draft:
            embedded, stamped = self._write(clip, draft, origin)
            self._check_signed(draft)
            signature = _measure(draft, manifest=embedded, stamped=stamped)
            _publish(draft, to)
        return signature

    def _write(self, clip: LabeledClip, draft: Path, origin: Origin | None) -> tuple[bytes, bool]:
        """The manifest, and whether it is stamped."""
        if self._stamping is None or self._clock() < self._stamp_again_at:
            return self._embed(clip, draft, origin, self._plain), False
        try:
            return self._embed(clip, draft, origin, self._stamping), True
        except c2pa.C2paError:
            # A clip without a stamp is worth more than none; the event tells the operator.
            embedded = self._embed(clip, draft, origin, self._plain)
            self._stamp_again_at = self._clock() + STAMP_PAUSE_SECONDS
            log.warning("time stamp failed", pause_seconds=STAMP_PAUSE_SECONDS)
            return embedded, False

    def _embed(self, clip: LabeledClip, draft: Path, origin: Origin | None, signer: c2pa.Signer) -> bytes:
        story = manifest(clip, now=datetime.now(UTC), origin=origin)
        with (
            clip.path.open("rb") as source,
            draft.open("w+b") as destination,
            c2pa.Builder(story, context=self._context) as builder,
        ):
            if origin is not None:
                builder.add_ingredient_from_archive(io.BytesIO(origin.archive))
            embedded: bytes = builder.sign(signer, MP4, source, destination)
        return embedded

    def _check_signed(self, draft: Path) -> None:
        with draft.open("rb") as file:
            report = read_credentials(file, kind=MP4, context=self._context)
        if not (report.made_here and report.intact):
            raise SigningFailed(f"the signed file does not verify: {report.detail}")


def manifest(clip: LabeledClip, *, now: datetime, origin: Origin | None = None) -> dict[str, Any]:
    """The manifest definition of a clip, as `c2pa.Builder` takes it. An origin's ingredient is added to it later."""
    ours = version("zoetrope")
    return {
        "claim_generator_info": [{"name": "Zoetrope", "version": ours, "specVersion": SPECIFICATION}],
        "title": "clip.mp4",
        "format": MP4,
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "created": True,
                # Redactions stand in the claim itself: encypher-c2pa 1.7.1 calls every c2pa.redacted action that this
                # library writes a mismatch (measured). What is not listed is not claimed to be listed.
                "data": {
                    "actions": _actions(clip, now=now, version=ours),
                    "allActionsIncluded": origin is None or not origin.redacted,
                },
            },
            *(_disclosure(model) for model in clip.models),
        ],
        # Described, not embedded: the library never sees a byte of the photo.
        "ingredients": [] if origin else [{**INGREDIENT, "format": "image/jpeg"}],
        "redactions": list(origin.redacted) if origin else [],
    }


def _actions(clip: LabeledClip, *, now: datetime, version: str) -> list[dict[str, Any]]:
    when = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [
        {
            "action": "c2pa.created",
            "when": when,
            "softwareAgent": {"name": f"{AGENT}{clip.renderer}", "version": version},
            "digitalSourceType": SourceType.named(clip.digital_source_type).uri,
            "description": "A short video made with AI from one photo and a text",
            "parameters": {"ingredientIds": [LABEL]},
        },
        {
            "action": "c2pa.addedText",
            "when": when,
            "softwareAgent": {"name": "Zoetrope", "version": version},
            "digitalSourceType": f"{IPTC}algorithmicMedia",
            "description": "A visible AI label on every frame",
        },
        *([] if clip.watermark is None else [_watermarking(when, version=version)]),
    ]


def _watermarking(when: str, *, version: str) -> dict[str, Any]:
    """Unbound: the manifest does not say which number, so that nobody without the key learns what to look for."""
    return {
        "action": "c2pa.watermarked.unbound",
        "when": when,
        "softwareAgent": {"name": "Zoetrope", "version": version},
        "description": "An invisible number in the pictures, by which the maker knows a copy",
    }


def _disclosure(model: TrainedModel) -> dict[str, Any]:
    """One trained model that shaped the clip (C2PA 2.4, `c2pa.ai-disclosure`)."""
    return {
        "label": "c2pa.ai-disclosure",
        "created": True,
        "data": {
            "modelType": "c2pa.types.model",
            "modelName": model.name,
            "modelIdentifier": f"{model.name}@{model.version}",
            "contentProfile": {"humanOversightLevel": "prompt_guided"},
        },
    }


def _signer(keys: SigningKeys, *, tsa_url: str | None) -> c2pa.Signer:
    # C2PA's Merkle trees stay off: two independent validators reject them (measured).
    if keys.key_pem is None:  # the library reserves room for any signature: 9.5 kB more a clip (measured)
        return c2pa.Signer.from_callback(keys.held, c2pa.C2paSigningAlg.ES256, keys.chain_pem, tsa_url)
    return c2pa.Signer.from_info(
        c2pa.C2paSignerInfo(
            c2pa.C2paSigningAlg.ES256,
            keys.chain_pem.encode(),
            keys.key_pem.encode(),
            tsa_url.encode() if tsa_url else None,
        )
    )


@contextmanager
def _draft_beside(path: Path) -> Iterator[Path]:
    """A new private file in the same folder, removed where it was not published."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".signing-", suffix=".mp4")
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _measure(path: Path, *, manifest: bytes, stamped: bool) -> Signature:
    with path.open("rb") as file:
        sha256 = _sha256(file)
    return Signature(sha256=sha256, size_bytes=path.stat().st_size, manifest=manifest, stamped=stamped)


def _sha256(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _publish(draft: Path, path: Path) -> None:
    """Durable first, then visible: after a power cut there is the whole file or none."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
