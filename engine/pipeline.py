"""The story of a clip on one screen: from admitted photo to signed clip, over what the children do."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, assert_never

import msgspec

from engine.errors import Fault, PoorClip
from engine.fleet import Doing, OnProgress, RenderOrder
from engine.gates.share import ShareFacts
from engine.ledger import Job
from engine.media.clip import CheckedClip, LabeledClip, SignedClip
from engine.media.photo import Photo
from engine.provenance.mark import Mark
from engine.provenance.origin import Origin
from engine.renderers import ClipFormat
from engine.schema import JobRequest, Step, VerifyReport
from engine.verdicts import Allowed, Decision, Held, PhotoFacts, Refusal, Remake, RestrictedTo, Screened

Render = Callable[[RenderOrder], Awaitable[LabeledClip]]


class Screens(Protocol):
    """The door and the gates: `engine.screening.Screening`."""

    @property
    def ready(self) -> bool: ...
    @property
    def policy_version(self) -> str: ...
    @property
    def switched_off(self) -> tuple[str, ...]: ...
    async def read_photo(self, data: bytes) -> Photo: ...
    async def reload(self, policy: msgspec.Struct) -> None: ...
    async def check_request(self, request: JobRequest, photo: Photo) -> Screened: ...
    async def check_clip(
        self, clip: LabeledClip, photo_path: Path, facts: PhotoFacts, *, remade: bool = False
    ) -> Screened: ...
    async def check_share(self, facts: ShareFacts) -> Screened: ...


class Detects(Protocol):
    """What is known of a file: `engine.detector.Detector`."""

    async def examine(self, data: bytes) -> VerifyReport: ...


class Finishes(Protocol):
    """Signing: `engine.finishing.Finishing`."""

    @property
    def leaf_days_left(self) -> float: ...
    def mark(self, job_id: str) -> Mark: ...
    async def sign(
        self, checked: CheckedClip, *, job_id: str, to: Path, photo_origin: Origin | None = None
    ) -> SignedClip: ...
    async def take_origin(self, photo: bytes) -> Origin | None: ...


@dataclass(frozen=True, slots=True)
class Shop:
    """What a clip passes through, and the folders where its files lie."""

    screening: Screens
    finishing: Finishes
    detector: Detects
    photos: Path
    clips: Path
    clip_format: ClipFormat

    def photo_path(self, photo: str) -> Path:
        return self.photos / f"{photo}.jpg"

    def origin_path(self, photo: str) -> Path:
        """Beside the photo, for those that came with credentials of their own."""
        return self.photos / f"{photo}.origin"

    def forget_photo(self, photo: str) -> None:
        self.photo_path(photo).unlink(missing_ok=True)
        self.origin_path(photo).unlink(missing_ok=True)

    def clip_path(self, sha256: str) -> Path:
        return self.clips / f"{sha256}.mp4"


@dataclass(frozen=True, slots=True)
class End:
    """How an attempt ended, with every decision of the clip gates behind it."""

    result: SignedClip | Refusal | Fault
    decisions: tuple[Decision, ...] = ()


async def make_clip(job: Job, shop: Shop, *, first: Render, again: Render, tell: OnProgress) -> End:
    """Render and label → check, and once more with another seed where it came out wrong → sign and verify.

    `first` renders with the worker that the job was claimed for, `again` with the next free one.
    Raises RenderCanceled; a Fault is a value here, because the ledger decides what follows.
    """
    made: list[LabeledClip] = []
    decisions: tuple[Decision, ...] = ()
    try:
        tell(Doing(Step.RENDERING))
        made.append(await _render(job, shop, first=first, again=again))
        tell(Doing(Step.CHECKING))
        screened = await _check(made[-1], job, shop, remade=False)
        decisions += screened.decisions
        if isinstance(screened.verdict, Remake):
            made.append(await again(_order(job, shop, seed=job.seed + 1)))
            tell(Doing(Step.CHECKING))
            screened = await _check(made[-1], job, shop, remade=True)
            decisions += screened.decisions
        refusal = _refusal_of(screened)
        if refusal is not None:
            return End(refusal, decisions)
        tell(Doing(Step.SIGNING))
        checked = CheckedClip(labeled=made[-1], screened=_with_facts(screened, job.facts))
        return End(await _sign(checked, job, shop), decisions)
    except Fault as fault:
        return End(fault, decisions)
    finally:
        for labeled in made:
            labeled.path.unlink(missing_ok=True)


def keep_photo(photo: Photo, job_id: str, shop: Shop, *, origin: Origin | None = None) -> str:
    """Write the photo before the row that names it; returns its name. One job, one file: no job deletes another's."""
    if origin is not None:
        write_durably(shop.origin_path(job_id), msgspec.msgpack.encode(origin))
    write_durably(shop.photo_path(job_id), photo.jpeg)
    return job_id


def write_durably(path: Path, data: bytes) -> None:
    """All of it or nothing, on the disk when this returns: temporary file, fsync, rename, fsync of the folder."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename_durably(path: Path, target: Path) -> Path:
    named = path.rename(target)
    sync_folder(target.parent)
    return named


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _order(job: Job, shop: Shop, *, seed: int) -> RenderOrder:
    return RenderOrder(
        job_id=job.request.job_id,
        attempt=job.attempt,
        photo_path=shop.photo_path(job.photo),
        prompt=job.request.prompt,
        locale=job.request.locale,
        look=job.request.look,
        seed=seed % 2**31,
        facts=job.facts,
        clip_format=shop.clip_format,
        mark=shop.finishing.mark(job.request.job_id),
    )


async def _render(job: Job, shop: Shop, *, first: Render, again: Render) -> LabeledClip:
    """A clip that is not worth showing is made once more, with a seed that a remake does not use."""
    try:
        return await first(_order(job, shop, seed=job.seed))
    except PoorClip:
        return await again(_order(job, shop, seed=job.seed + 2))


async def _check(labeled: LabeledClip, job: Job, shop: Shop, *, remade: bool) -> Screened:
    return await shop.screening.check_clip(labeled, shop.photo_path(job.photo), job.facts, remade=remade)


async def _sign(checked: CheckedClip, job: Job, shop: Shop) -> SignedClip:
    """The signed clip under its own hash: a second attempt overwrites nothing but itself."""
    unnamed = shop.clips / f".{job.request.job_id}-{job.attempt}.tmp.mp4"
    signed = await shop.finishing.sign(
        checked, job_id=job.request.job_id, to=unnamed, photo_origin=_origin_of(job.photo, shop)
    )
    named = await asyncio.to_thread(_rename_durably, signed.path, shop.clip_path(signed.sha256))
    return dataclasses.replace(signed, path=named)


def _origin_of(photo: str, shop: Shop) -> Origin | None:
    try:
        return msgspec.msgpack.decode(shop.origin_path(photo).read_bytes(), type=Origin)
    except FileNotFoundError:
        return None


def _refusal_of(screened: Screened) -> Refusal | None:
    """None where the clip may leave. A second Remake is a refusal: it came out wrong twice."""
    verdict = screened.verdict
    match verdict:
        case Allowed():
            return None
        case Refusal():
            return verdict
        case RestrictedTo():
            return Refusal(
                reason=verdict.reason, gate=verdict.gate, score=verdict.score, presets=verdict.presets
            )
        case Remake() | Held():  # nobody decides on held clips yet, and an unknown is never a yes
            return Refusal(reason=verdict.reason, gate=verdict.gate, score=verdict.score)
    assert_never(verdict)


def _with_facts(screened: Screened, facts: PhotoFacts) -> Screened:
    """The photo gate's facts stay with the clip: whether it shows people is asked again before it is shared."""
    return Screened(verdict=screened.verdict, decisions=screened.decisions, facts=facts)
