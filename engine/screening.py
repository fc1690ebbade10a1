"""The door: untrusted photos and every gate, asked through child processes that may die over an answer.

`Screening` keeps warm decode children, with a fork for each photo, and gate children with the classifiers. A check that
cannot be answered is raised, never guessed: an unknown is no yes.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self, assert_never

import msgspec

from engine import logs
from engine.children import Child, ChildGone, Fell, Kept, Limits, Sandbox, Warm
from engine.classifiers.judges import Asked
from engine.errors import CheckFailed, ClipCheckFailed, ConfigError, PhotoRejected
from engine.gates.judge import hear_judge, is_undecided, photo_in_words
from engine.gates.share import ShareFacts
from engine.judging import Judging, Unjudged
from engine.media import photo as decoder
from engine.media.clip import LabeledClip
from engine.media.photo import Photo
from engine.schema import MAX_PHOTO_BYTES, JobRequest, PhotoProblem, Profile
from engine.verdicts import PhotoFacts, Screened

DECODE_LIMITS = Limits(
    cpu_seconds=3,  # a progressive JPEG of 300 kB can ask for minutes; only this stops it
    address_space_bytes=1_500_000_000,  # a 50-megapixel WebP needs 0.85 GB
    file_size_bytes=0,
    open_files=16,
)
"""No limit on processes: libheif decodes in a thread, and the kernel counts the threads of the whole user."""

_START_SECONDS = 30.0
_RETRY_AFTER_SECONDS = 10.0
_ATTEMPTS = 2
_LOOK_AGAIN_SECONDS = 0.05

log = logs.get(__name__)


class GateSettings(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="settings"):
    """The first thing that the gate child hears. `policy` is the table of the configuration, as plain values."""

    models: Path
    policy: dict[str, Any]
    environment: str


class CheckRequest(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="request"):
    """Prompt, photo, and both together. `jpeg` is a clean photo. `every`: all gates speak, also after a refusal."""

    prompt: str
    locale: str
    look: str | None
    attested: bool
    jpeg: bytes
    profile: Profile = Profile.STANDARD
    every: bool = False


class CheckClip(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="clip"):
    """A labelled clip against its photo. `remade` is true for the second try."""

    clip_path: Path
    photo_path: Path
    facts: PhotoFacts
    remade: bool


class CheckShare(msgspec.Struct, frozen=True, tag_field="type", tag="share"):
    """A clip that is to be shown to a group."""

    facts: ShareFacts


class GatesReady(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="ready"):
    """The classifiers are loaded; `switched_off` names gates that development goes without."""

    policy_version: str
    switched_off: tuple[str, ...]


class GatesUnusable(msgspec.Struct, frozen=True, tag_field="type", tag="unusable"):
    """The gates cannot be loaded; `sentence` tells the operator what to change."""

    sentence: str


class Judged(msgspec.Struct, frozen=True, tag_field="type", tag="judged"):
    """What the gates say."""

    screened: Screened


class GateRaised(msgspec.Struct, frozen=True, tag_field="type", tag="raised"):
    """A gate raised at `place`; there is no verdict."""

    place: str


Question = CheckRequest | CheckClip | CheckShare
Judgement = Judged | GateRaised


class _Unanswered(Exception):
    """The gates gave no verdict."""


class Screening:
    """Use it as an async context manager: its children load in the background, and end with the block.

    `decode_seconds` and `check_seconds` are what one photo and one check may take on the clock.
    `gate_module` is what runs in the gate child, under `gate_sandbox`: it reads weights, photos and unchecked clips.
    """

    def __init__(
        self,
        *,
        models: Path,
        policy: msgspec.Struct,
        environment: str = "production",
        decode_seconds: float = 5.0,
        check_seconds: float = 30.0,
        load_seconds: float = 120.0,
        judging: Judging | None = None,
        decoders: int = 2,
        gate_children: int = 1,
        gate_module: str = "engine.screener",
        gate_sandbox: Sandbox | None = None,
    ) -> None:
        settings = GateSettings(models=models, policy=msgspec.to_builtins(policy), environment=environment)
        self._decoders = _Decoders(decode_seconds=decode_seconds, children=decoders)
        self._gates = _Gates(
            settings,
            module=gate_module,
            sandbox=gate_sandbox,
            check_seconds=check_seconds,
            load_seconds=load_seconds,
            children=gate_children,
        )
        self._judging = judging
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._judging is not None:
            await self._running.enter_async_context(self._judging)
        await self._running.enter_async_context(self._decoders)
        for kept in self._gates.kept:
            await self._running.enter_async_context(kept)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    @property
    def ready(self) -> bool:
        """The gates are loaded, and a photo would be decoded at once."""
        judged = self._judging is None or self._judging.ready
        return self._gates.ready and self._decoders.ready and judged

    @property
    def policy_version(self) -> str:
        """Empty until the gates were loaded once."""
        return self._gates.loaded.policy_version

    @property
    def switched_off(self) -> tuple[str, ...]:
        return self._gates.loaded.switched_off

    async def reload(self, policy: msgspec.Struct) -> None:
        """Judge by another policy from here on: one gate child after another is replaced, between two questions.

        Raises TimeoutError when the new ones do not load.
        """
        await self._gates.reload(msgspec.to_builtins(policy))

    async def read_photo(self, data: bytes) -> Photo:
        """A clean photo from untrusted bytes. Raises PhotoRejected; CheckFailed when no child can be had."""
        return await self._decoders.decode(data)

    async def check_request(self, request: JobRequest, photo: Photo) -> Screened:
        """Prompt, photo, and both together. Raises CheckFailed."""
        screened = await self._check(_question(request, photo))
        if self._judging is None or request.look or not is_undecided(screened.decisions):
            return screened
        return await self._judged(self._judging, request, screened)

    async def explain(self, request: JobRequest, photo: Photo) -> Screened:
        """What every gate of prompt and photo says, for people who write rules. Raises CheckFailed."""
        return await self._check(_question(request, photo, every=True))

    async def _judged(self, judging: Judging, request: JobRequest, screened: Screened) -> Screened:
        asked = Asked(
            caption=request.prompt,
            language=request.locale.split("-", maxsplit=1)[0].lower(),
            photo=photo_in_words(screened.facts),
        )
        started = time.perf_counter()
        try:
            score = await judging.score(asked)
        except Unjudged as error:
            raise CheckFailed(_RETRY_AFTER_SECONDS) from error
        return hear_judge(screened, score, milliseconds=(time.perf_counter() - started) * 1000)

    async def check_share(self, facts: ShareFacts) -> Screened:
        """Before a group sees a clip. Raises CheckFailed."""
        return await self._check(CheckShare(facts))

    async def check_clip(
        self, clip: LabeledClip, photo_path: Path, facts: PhotoFacts, *, remade: bool = False
    ) -> Screened:
        """The finished clip against its photo. Raises ClipCheckFailed."""
        try:
            return await self._gates.judge(
                CheckClip(clip_path=clip.path, photo_path=photo_path, facts=facts, remade=remade)
            )
        except _Unanswered as error:
            raise ClipCheckFailed(str(error)) from error

    async def _check(self, question: Question) -> Screened:
        try:
            return await self._gates.judge(question)
        except _Unanswered as error:
            raise CheckFailed(_RETRY_AFTER_SECONDS) from error


class _Gates:
    """Gate children, alike. Each answers one question at a time; one that dies or hangs over it is asked once more."""

    def __init__(
        self,
        settings: GateSettings,
        *,
        module: str,
        sandbox: Sandbox | None,
        check_seconds: float,
        load_seconds: float,
        children: int,
    ) -> None:
        self.kept = [Kept(self._start, name="gates") for _ in range(children)]
        self.loaded = GatesReady(policy_version="", switched_off=())
        self._settings = settings
        self._module = module
        self._sandbox = sandbox
        self._check_seconds = check_seconds
        self._load_seconds = load_seconds
        self._idle = list(self.kept)
        self._turns = asyncio.Semaphore(children)

    @property
    def ready(self) -> bool:
        return any(kept.ready for kept in self.kept)

    async def judge(self, question: Question) -> Screened:
        """Raises _Unanswered."""
        await self._warm_child(_readiest(self.kept))  # while there are no gates, nobody queues for them
        for _ in range(_ATTEMPTS):
            async with self._turn() as kept:
                child = await self._warm_child(kept)
                try:
                    judgement: Judgement = await child.ask(question, Judgement, seconds=self._check_seconds)
                except (ChildGone, TimeoutError) as error:
                    why = type(error).__name__
                    log.warning("gates gave no answer", question=type(question).__name__, why=why)
                else:
                    return _verdict_of(judgement)
        raise _Unanswered("the gate child gave no answer")

    async def reload(self, policy: Mapping[str, object]) -> None:
        self._settings = msgspec.structs.replace(self._settings, policy=dict(policy))
        for kept in self.kept:
            async with asyncio.timeout(self._load_seconds):
                while not await self._renewed(kept):  # noqa: ASYNC110  # it answers somebody, for a moment
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _renewed(self, kept: Kept) -> bool:
        """False while it answers somebody."""
        async with self._turns:
            if kept not in self._idle:
                return False
            self._idle.remove(kept)
            try:
                await kept.renew()
            finally:
                self._idle.append(kept)
            return True

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Kept]:
        """A child that answers nobody else meanwhile."""
        async with self._turns:
            kept = _readiest(self._idle)
            self._idle.remove(kept)
            try:
                yield kept
            finally:
                self._idle.append(kept)

    async def _warm_child(self, kept: Kept) -> Child:
        try:
            async with asyncio.timeout(self._check_seconds):
                return await kept.warm_child()
        except TimeoutError as error:
            raise _Unanswered("there is no gate child") from error

    async def _start(self) -> Child:
        child = await Child.start(self._module, name="gates", sandbox=self._sandbox)
        reply: GatesReady | GatesUnusable = await child.ask(
            self._settings, GatesReady | GatesUnusable, seconds=self._load_seconds
        )
        if isinstance(reply, GatesUnusable):
            await child.close()
            raise ConfigError(reply.sentence)
        self.loaded = reply
        return child


def _readiest(kept: Sequence[Kept]) -> Kept:
    """One that is up, where there is one."""
    return next((it for it in kept if it.ready), kept[0])


def _question(request: JobRequest, photo: Photo, *, every: bool = False) -> CheckRequest:
    return CheckRequest(
        prompt=request.prompt,
        locale=request.locale,
        look=request.look,
        attested=request.attested,
        jpeg=photo.jpeg,
        profile=request.profile,
        every=every,
    )


def _verdict_of(judgement: Judgement) -> Screened:
    match judgement:
        case Judged(screened):
            return screened
        case GateRaised(place):
            log.error("gate raised", place=place)
            raise _Unanswered("a gate raised")
        case _:
            assert_never(judgement)


class _Decoders:
    """Children with Pillow loaded, whose forks decode one photo each, as many at once as there are children."""

    def __init__(self, *, decode_seconds: float, children: int) -> None:
        self._decode_seconds = decode_seconds
        self._kept = [Kept(_start_decoder, name="decode") for _ in range(children)]
        self._idle: asyncio.Queue[Kept] = asyncio.Queue()
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for kept in self._kept:
            await self._running.enter_async_context(kept)
            self._idle.put_nowait(kept)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    @property
    def ready(self) -> bool:
        return any(kept.ready for kept in self._kept)

    async def decode(self, data: bytes) -> Photo:
        """Raises PhotoRejected; CheckFailed when no child can be started."""
        if not data:
            raise PhotoRejected(PhotoProblem.EMPTY)
        if len(data) > MAX_PHOTO_BYTES:
            raise PhotoRejected(PhotoProblem.TOO_MANY_BYTES)
        kept = await self._idle.get()
        try:
            reply = await self._reply_to(data, kept)
        finally:
            self._idle.put_nowait(kept)
        match reply:
            case decoder.Decoded(photo):
                return photo
            case decoder.Rejected(problem):
                raise PhotoRejected(problem)
            case Fell(exit_code):
                log.warning("photo took its decoder down", exit_code=exit_code, size_bytes=len(data))
                raise PhotoRejected(_problem_of(exit_code))
            case _:
                assert_never(reply)

    async def _reply_to(self, data: bytes, kept: Kept) -> decoder.Decoded | decoder.Rejected | Fell:
        for _ in range(_ATTEMPTS):
            try:
                async with asyncio.timeout(_START_SECONDS):
                    child = await kept.warm_child()
            except TimeoutError as error:
                raise CheckFailed(_RETRY_AFTER_SECONDS) from error
            try:
                reply: decoder.Decoded | decoder.Rejected | Fell = await child.ask(
                    decoder.Untrusted(data),
                    decoder.Decoded | decoder.Rejected | Fell,
                    seconds=self._decode_seconds,
                )
            except TimeoutError:
                return decoder.Rejected(PhotoProblem.TOO_COMPLEX)
            except ChildGone as gone:  # the one that waits, which reads no photo: somebody shot it
                log.warning("decode child ended", exit_code=gone.exit_code)
            else:
                return reply
        raise CheckFailed(_RETRY_AFTER_SECONDS)


async def _start_decoder() -> Child:
    child = await Child.start(
        decoder.__name__, name="decode", limits=DECODE_LIMITS, sandbox=Sandbox(), isolated=True, forks=True
    )
    await child.ask(None, Warm, seconds=_START_SECONDS)
    return child


def _problem_of(exit_code: int | None) -> PhotoProblem:
    """The kernel kills what takes too much; everything else is a decoder that fell over the bytes."""
    too_much = exit_code in {-signal.SIGKILL, -signal.SIGXCPU}
    return PhotoProblem.TOO_COMPLEX if too_much else PhotoProblem.BROKEN
