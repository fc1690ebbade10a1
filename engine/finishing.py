"""The last step of a clip: signing, in a thread; and what it needs of the photo, read in a child process."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from engine import logs
from engine.children import Child, ChildGone, Limits, Sandbox
from engine.errors import ConfigError
from engine.media.clip import CheckedClip, SignedClip
from engine.provenance import origin
from engine.provenance.credentials import ClipSigner
from engine.provenance.fingerprint import read_fingerprint
from engine.provenance.keys import RENEW, WARN_DAYS, load_keys
from engine.provenance.mark import Mark, bring_watermark_key, mark_number
from engine.provenance.origin import Origin

READING = Limits(cpu_seconds=10, address_space_bytes=2 * 2**30, file_size_bytes=0, open_files=64)

log = logs.get(__name__)


class Finishing:
    """Holds the signing key. One thread signs: the library gains nothing from more (measured).

    Raises ConfigError when the keys in `keys` cannot be used or are another operator's.
    """

    def __init__(
        self,
        *,
        keys: Path,
        operator: str,
        tsa_url: str | None = None,
        signer: str = "",
        reading_seconds: float = 10.0,
    ) -> None:
        self._keys = load_keys(keys, signer=signer)
        if self._keys.operator != operator.strip():
            raise ConfigError(
                f"[provenance] operator is {operator!r}, but the keys sign for {self._keys.operator!r}; run {RENEW}"
            )
        self._watermark_key = bring_watermark_key(keys)
        self._signer = ClipSigner(self._keys, tsa_url=tsa_url)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="signing")
        self._reading_seconds = reading_seconds
        if self.leaf_days_left < WARN_DAYS:
            log.warning("signing certificate ends soon", days_left=round(self.leaf_days_left, 1))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    @property
    def leaf_days_left(self) -> float:
        """Days until the signing certificate expires; signing stops at 0."""
        return self._keys.days_left()

    def mark(self, job_id: str) -> Mark:
        """What the clip of this job is to carry in its pixels."""
        return Mark(number=mark_number(self._watermark_key, job_id), key=self._watermark_key)

    async def sign(
        self, checked: CheckedClip, *, job_id: str, to: Path, photo_origin: Origin | None = None
    ) -> SignedClip:
        """Sign and verify; `to` appears whole or not at all, its folder must exist. Raises SigningFailed."""
        begun = time.perf_counter()
        signed, stamped = await asyncio.get_running_loop().run_in_executor(
            self._thread, self._sign, checked, to, photo_origin
        )
        log.info(
            "clip signed",
            job_id=job_id,
            seconds=round(time.perf_counter() - begun, 3),
            size_bytes=signed.size_bytes,
            stamped=stamped,
        )
        return signed

    async def take_origin(self, photo: bytes) -> Origin | None:
        """What an untrusted photo's own credentials hand down to its clip; None for nearly all photos."""
        if not origin.may_have_credentials(photo):
            return None
        try:
            question = origin.Untrusted(photo, self._keys.root_pem)
            child = await Child.start(
                origin.__name__, name="origin", limits=READING, sandbox=Sandbox(), isolated=True
            )
            try:
                taken: origin.Taken = await child.ask(question, origin.Taken, seconds=self._reading_seconds)
            finally:
                await child.kill()
        except (ChildGone, TimeoutError, OSError) as error:
            # A clip without its photo's history is still a clip.
            log.warning("photo's credentials not read", size_bytes=len(photo), error=type(error).__name__)
            return None
        return taken.origin

    def close(self) -> None:
        """Waits for the clip that is being signed."""
        self._thread.shutdown()
        self._signer.close()

    def _fingerprint(self, clip: Path) -> bytes | None:
        """A clip without one is still a clip; it will be found by its other marks only, so the operator hears of it."""
        fingerprint = read_fingerprint(clip)
        if fingerprint is None:
            log.warning("clip has no fingerprint")
        return fingerprint

    def _sign(self, checked: CheckedClip, to: Path, photo_origin: Origin | None) -> tuple[SignedClip, bool]:
        """The signed clip, and whether a time stamp covers its signature."""
        signature = self._signer.sign(checked.labeled, to=to, origin=photo_origin)
        signed = SignedClip(
            checked=checked,
            path=to,
            sha256=signature.sha256,
            size_bytes=signature.size_bytes,
            manifest=signature.manifest,
            fingerprint=self._fingerprint(to),
        )
        return signed, signature.stamped
