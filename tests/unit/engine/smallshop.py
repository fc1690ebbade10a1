"""A shop in miniature for tests of what stands above it: in this process, without models, files for real.

What happens to a job stands in its prompt, so that a test reads as its story.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine.dispatcher import Dispatcher, Retention
from engine.errors import (
    CheckFailed,
    ClipCheckFailed,
    PhotoRejected,
    RenderCanceled,
    RenderFailed,
    SigningFailed,
    WorkerDied,
)
from engine.fleet import Doing, OnProgress, RenderOrder
from engine.gates.share import ShareFacts
from engine.ledger import Ledger, Limits
from engine.media.clip import CheckedClip, LabeledClip, Made, SignedClip
from engine.media.photo import Photo
from engine.metrics import Metrics
from engine.pipeline import Shop
from engine.policy import judge_share
from engine.provenance.mark import Mark, mark_number
from engine.provenance.origin import Origin
from engine.renderers import ClipFormat
from engine.schema import Finding, JobRequest, Layer, PhotoProblem, Reason, Stage, Step, VerifyReport
from engine.verdicts import (
    Allowed,
    Decision,
    Face,
    Held,
    PhotoFacts,
    Refusal,
    Remake,
    RestrictedTo,
    Screened,
    Verdict,
)

POLICY = (
    judge_share(
        ShareFacts(
            expected_sha256="",
            actual_sha256="",
            owner="",
            requester="",
            policy_version="",
            labelled=True,
            signed=True,
        )
    )
    .decisions[0]
    .policy_version
)
FACE = Face(x=1, y=1, width=9, height=9, score=0.9)
LIMITS = Limits(depth=20, queued_per_requester=5, running_per_requester=2)


def screened(stage: Stage, verdict: Verdict, facts: PhotoFacts | None = None) -> Screened:
    decision = Decision(stage=stage, gate="small", verdict=verdict, score=0.5, policy_version=POLICY)
    return Screened(verdict=verdict, decisions=(decision,), facts=facts or PhotoFacts())


@dataclass
class SmallGates:
    """Judges by the words of the prompt."""

    ready: bool = True
    policy_version: str = POLICY
    switched_off: tuple[str, ...] = ("faces",)
    prompts: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def reload(self, policy: object) -> None:
        self.policy_version = repr(policy)

    async def read_photo(self, data: bytes) -> Photo:
        self.asked.append("photo")
        if not data.startswith(b"photo"):
            raise PhotoRejected(PhotoProblem.NOT_AN_IMAGE)
        return Photo(jpeg=data, width=64, height=64, sha256=hashlib.sha256(data).hexdigest())

    async def check_request(self, request: JobRequest, photo: Photo) -> Screened:
        self.asked.append("request")
        self.prompts[request.job_id] = request.prompt
        facts = PhotoFacts(faces=(FACE,) if b"face" in photo.jpeg else ())
        match request.prompt:
            case "refuse me":
                verdict: Verdict = Refusal(reason=Reason.VIOLENCE, gate="small")
            case "restrict me":
                verdict = RestrictedTo(reason=Reason.SEXUAL, presets=("snow",), gate="small")
            case "hold me":
                verdict = Held(reason=Reason.SEXUAL, gate="small")
            case "gates are down":
                raise CheckFailed(10.0)
            case "trip the door":
                raise RuntimeError(f"the prompt was: {request.prompt}")
            case _:
                verdict = Allowed()
        return screened(Stage.PROMPT, verdict, facts)

    async def check_clip(
        self, clip: LabeledClip, photo_path: Path, facts: PhotoFacts, *, remade: bool = False
    ) -> Screened:
        assert photo_path.exists()
        prompt = clip.path.read_text().split("|")[0]
        self.asked.append(f"clip {clip.path.read_text()} remade={remade}")
        match prompt:
            case "clip refused":
                return screened(Stage.CLIP, Refusal(reason=Reason.SEXUAL, gate="small"))
            case "clip held":
                return screened(Stage.CLIP, Held(reason=Reason.SEXUAL, gate="small"))
            case "clip wrong twice":
                return screened(Stage.CLIP, Remake(reason=Reason.FLASHING, gate="small"))
            case "clip wrong once" if not remade:
                return screened(Stage.CLIP, Remake(reason=Reason.FLASHING, gate="small"))
            case "clip unchecked":
                raise ClipCheckFailed("no answer")
        return screened(Stage.CLIP, Allowed(), facts)

    async def check_share(self, facts: ShareFacts) -> Screened:
        return judge_share(facts)


@dataclass
class SmallSigner:
    """Signs by appending a line."""

    leaf_days_left: float = 100.0
    patience: asyncio.Event | None = None
    """Where set, signing waits for it."""
    signing: asyncio.Event = field(default_factory=asyncio.Event)

    def mark(self, job_id: str) -> Mark:
        return Mark(number=mark_number(b"small", job_id), key=b"small")

    async def sign(
        self, checked: CheckedClip, *, job_id: str, to: Path, photo_origin: Origin | None = None
    ) -> SignedClip:
        self.signing.set()
        if self.patience is not None:
            await self.patience.wait()
        content = checked.labeled.path.read_bytes()
        if content.startswith(b"cannot be signed"):
            raise SigningFailed("no")
        to.write_bytes(content + b"|signed for " + job_id.encode())
        sha256 = hashlib.sha256(to.read_bytes()).hexdigest()
        return SignedClip(
            checked=checked, path=to, sha256=sha256, size_bytes=to.stat().st_size, manifest=b"manifest"
        )

    async def take_origin(self, photo: bytes) -> Origin | None:
        return Origin(archive=photo, redacted=()) if b"credentials" in photo else None


class SmallDetector:
    """Knows no file."""

    async def examine(self, data: bytes) -> VerifyReport:
        return VerifyReport(layer=Layer.NONE, made_here=False, intact=True, detail=Finding.NO_CREDENTIALS)


class SmallWorker:
    def __init__(self, fleet: SmallFleet) -> None:
        self.fleet = fleet

    async def render(self, order: RenderOrder, *, on_progress: OnProgress) -> LabeledClip:
        fleet = self.fleet
        fleet.rendering[order.job_id] = asyncio.Event()
        fleet.busiest = max(fleet.busiest, len(fleet.rendering))
        fleet.rendered.append(order)
        try:
            on_progress(Doing(Step.RENDERING, 0.5))
            match order.prompt:
                case "takes long":
                    await fleet.rendering[order.job_id].wait()
                    raise RenderCanceled
                case "kills its worker":
                    raise WorkerDied
                case "kills one worker" if order.attempt == 1:
                    raise WorkerDied
                case "cannot be rendered":
                    raise RenderFailed("somewhere")
                case "trips the renderer":
                    raise ValueError(f"the prompt was: {order.prompt}")
            await asyncio.sleep(0)
            return self.label(order)
        finally:
            del fleet.rendering[order.job_id]

    def label(self, order: RenderOrder) -> LabeledClip:
        path = self.fleet.work / order.clip_name
        path.write_text(f"{order.prompt}|seed {order.seed}")
        return LabeledClip(
            path=path,
            sha256="a" * 64,
            width=96,
            height=160,
            duration_seconds=0.5,
            label="AI modified",
            renderer="small",
            digital_source_type="compositeWithTrainedAlgorithmicMedia",
            models=(),
            made=Made(moved=("snow",)),
        )


class SmallFleet:
    """Workers that render what the prompt says."""

    def __init__(self, work: Path, *, workers: int = 1) -> None:
        self.work = work
        self.workers = workers
        self.ready = True
        self.rendering: dict[str, asyncio.Event] = {}
        self.rendered: list[RenderOrder] = []
        self.busiest = 0
        self._idle: asyncio.Queue[SmallWorker] = asyncio.Queue()
        for _ in range(workers):
            self._idle.put_nowait(SmallWorker(self))

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[SmallWorker]:
        worker = await self._idle.get()
        try:
            yield worker
        finally:
            self._idle.put_nowait(worker)

    async def render(self, order: RenderOrder, *, on_progress: OnProgress) -> LabeledClip:
        async with self.worker() as worker:
            return await worker.render(order, on_progress=on_progress)

    async def cancel(self, job_id: str) -> None:
        if job_id in self.rendering:
            self.rendering[job_id].set()


@dataclass
class SmallShop:
    """Everything that a dispatcher needs, around one folder."""

    folder: Path
    ledger: Ledger
    gates: SmallGates
    signer: SmallSigner
    fleet: SmallFleet
    dispatcher: Dispatcher


@asynccontextmanager
async def open_shop(
    folder: Path,
    *,
    workers: int = 1,
    serving: bool = True,
    drain_seconds: float = 5.0,
    limits: Limits = LIMITS,
) -> AsyncIterator[SmallShop]:
    for name in ("photos", "clips", "work"):
        (folder / name).mkdir(exist_ok=True)
    gates, signer = SmallGates(), SmallSigner()
    fleet = SmallFleet(folder / "work", workers=workers)
    shop = Shop(
        screening=gates,
        finishing=signer,
        detector=SmallDetector(),
        photos=folder / "photos",
        clips=folder / "clips",
        clip_format=ClipFormat(short_side=96, seconds=0.5),
    )
    async with Ledger(folder / "engine.sqlite", limits=limits) as ledger:
        dispatcher = Dispatcher(
            ledger=ledger,
            fleet=fleet,
            shop=shop,
            metrics=Metrics(),
            retention=Retention(clip=3600, prompt=3600, ids=3600),
            work=folder / "work",
        )
        small = SmallShop(folder, ledger, gates, signer, fleet, dispatcher)
        if serving:
            async with dispatcher.serving(drain_seconds=drain_seconds):
                yield small
        else:
            yield small
