"""What is known of a file: its credentials, else its watermark, else its fingerprint. Behind `/verify` in all its forms.

The first layer that is certain speaks. Every layer reads the stranger's bytes in a child process of its own; what was
made here is looked up in the ledger.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from engine import logs
from engine.children import Child, ChildGone, Limits, Sandbox
from engine.children.wire import MAX_FRAME_BYTES
from engine.ledger import KnownClip
from engine.provenance import copies, verify
from engine.provenance.source_type import IPTC
from engine.schema import Finding, Layer, VerifyReport

CREDENTIALS_LIMITS = Limits(cpu_seconds=10, address_space_bytes=2 * 2**30, file_size_bytes=0, open_files=64)
TRACES_LIMITS = Limits(
    cpu_seconds=30,
    address_space_bytes=3 * 2**30,
    file_size_bytes=MAX_FRAME_BYTES,  # the video itself, in memory
    open_files=64,
)
SEARCH_LIMITS = Limits(cpu_seconds=30, address_space_bytes=3 * 2**30, file_size_bytes=0, open_files=64)

log = logs.get(__name__)


class Registry(Protocol):
    """Where clips that were made here are found again: the ledger."""

    def find_watermark(self, number: int) -> KnownClip | None: ...
    async def find_fingerprint(self, fingerprint: bytes) -> KnownClip | None: ...


class Detector:
    """Holds our anchor and the key of the watermark, but no key that signs.

    `credentials_seconds` and `search_seconds` are what one layer may take on the clock.
    """

    def __init__(
        self,
        *,
        root_pem: str,
        watermark_key: bytes,
        registry: Registry,
        credentials_seconds: float = 10.0,
        search_seconds: float = 20.0,
    ) -> None:
        self._root_pem = root_pem
        self._watermark_key = watermark_key
        self._registry = registry
        self._credentials_seconds = credentials_seconds
        self._search_seconds = search_seconds

    async def examine(self, data: bytes) -> VerifyReport:
        """An answer for every file, however strange. Raises OSError when the machine has no room for a child."""
        report = await self._read_credentials(data)
        if report.made_here or verify.media_type(data) not in {"video/mp4", None}:
            return report
        found = await self._take_traces(data)
        marked = await self._known_by_watermark(found, report)
        if marked is not None or report.detail is Finding.CHANGED:  # certain, which a likeness is not
            return marked or report
        return await self._known_by_fingerprint(found) or report

    async def _read_credentials(self, data: bytes) -> VerifyReport:
        question = verify.Question(data, self._root_pem)
        report: VerifyReport | None = await _ask(
            "verify", question, VerifyReport, limits=CREDENTIALS_LIMITS, seconds=self._credentials_seconds
        )
        return verify.nothing(Finding.UNREADABLE) if report is None else report

    async def _take_traces(self, data: bytes) -> copies.Traces:
        found: copies.Traces | None = await _ask(
            "traces",
            copies.UntrustedVideo(data),
            copies.Traces,
            limits=TRACES_LIMITS,
            seconds=self._search_seconds,
        )
        return found or copies.Traces()

    async def _known_by_watermark(
        self, found: copies.Traces, credentials: VerifyReport
    ) -> VerifyReport | None:
        """A number of our key is proof that the clip was made here, also where the ledger has forgotten it."""
        if not found.pictures:
            return None
        search = copies.Search(pictures=found.pictures, key=self._watermark_key)
        read: copies.Found | None = await _ask(
            "mark_reader", search, copies.Found, limits=SEARCH_LIMITS, seconds=self._search_seconds
        )
        if read is None or read.number is None:
            return None
        clip = self._registry.find_watermark(read.number)
        finding = Finding.WATERMARKED if clip is not None else Finding.WATERMARK_ONLY
        still_whole = credentials.detail is Finding.EXPIRED
        return _known(clip, Layer.WATERMARK, finding, made_here=True, intact=still_whole)

    async def _known_by_fingerprint(self, found: copies.Traces) -> VerifyReport | None:
        """A likeness, and no proof: two videos of one photo can be alike."""
        for fingerprint in found.fingerprints:
            clip = await self._registry.find_fingerprint(fingerprint)
            if clip is not None:
                return _known(clip, Layer.FINGERPRINT, Finding.LOOKS_LIKE, made_here=False, intact=False)
        return None


def _known(
    clip: KnownClip | None, layer: Layer, finding: Finding, *, made_here: bool, intact: bool
) -> VerifyReport:
    """With what the ledger keeps of the clip."""
    return VerifyReport(
        layer=layer,
        made_here=made_here,
        intact=intact,
        detail=finding,
        made_at=_written(clip.made_at) if clip else None,
        renderer=clip.renderer if clip else None,
        digital_source_type=clip.digital_source_type.removeprefix(IPTC) if clip else None,
    )


def _written(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _ask(
    reader: str, question: msgspec.Struct, kind: Any, *, limits: Limits, seconds: float
) -> Any | None:
    """One question to a child of its own, a module of `engine.provenance`; None where the bytes were too much for it."""
    child = await Child.start(
        f"engine.provenance.{reader}",
        name=reader,
        limits=limits,
        sandbox=Sandbox(programs=reader == "traces"),  # ffmpeg makes the fingerprint
        isolated=True,
    )
    try:
        return await child.ask(question, kind, seconds=seconds)
    except (ChildGone, TimeoutError) as error:
        log.warning("file gave no answer", reader=reader, error=type(error).__name__)
        return None
    finally:
        await child.kill()
