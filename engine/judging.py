"""The judge's front: a child with a language model, asked for captions that rules and head leave undecided.

No answer is never a yes: one that fails, hangs or says something else is asked once more, then the check fails, which
costs the person nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import msgspec

from engine import logs
from engine.children import Child, ChildGone, Kept, Sandbox
from engine.classifiers.judges import LOCAL_MODEL, Asked, JudgeSettings
from engine.errors import ConfigError
from engine.models import find_model

_ATTEMPTS = 2
_LOAD_SECONDS = 300.0

log = logs.get(__name__)


class JudgeStart(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="start"):
    """The first thing that the judge's child hears."""

    settings: JudgeSettings
    models: Path


class JudgeReady(msgspec.Struct, frozen=True, tag_field="type", tag="ready"):
    """The judge is loaded."""


class JudgeUnusable(msgspec.Struct, frozen=True, tag_field="type", tag="unusable"):
    """The judge cannot be loaded; `sentence` tells the operator what to change."""

    sentence: str


class Word(msgspec.Struct, frozen=True, tag_field="type", tag="word"):
    """How surely a caption must be refused, 0..1."""

    score: float


class NoWord(msgspec.Struct, frozen=True, tag_field="type", tag="no_word"):
    """The judge raised at `place`; there is no answer."""

    place: str


class Unjudged(Exception):
    """The judge gave no answer."""


def look_over_judge(settings: JudgeSettings, models: Path) -> None:
    """What can be known before a start. Raises ConfigError where weights, library or address are missing."""
    match settings.kind:
        case "none":
            return
        case "local":
            if not settings.model:
                find_model(models, LOCAL_MODEL)
            elif not Path(settings.model).is_file():
                raise ConfigError(f"[policy] judge_model: there is no file {settings.model}")
            _need("xllamacpp", "judge")
        case "qwen3guard" | "llamaguard":
            if not settings.model or not Path(settings.model).is_dir():
                raise ConfigError(
                    f'[policy] judge = "{settings.kind}" needs judge_model, a folder with its weights'
                )
            _need("transformers", "gpu")
        case "endpoint":
            if urlsplit(settings.url).scheme not in {"http", "https"} or not settings.model:
                raise ConfigError(
                    '[policy] judge = "endpoint" needs judge_url (http or https) and judge_model'
                )
            if settings.key_file and not Path(settings.key_file).is_file():
                raise ConfigError("[policy] judge_key_file cannot be read")


def _need(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise ConfigError(f"the judge needs {module}: pip install 'zoetrope[{extra}]'")


class Judging:
    """Use it as an async context manager; its child loads in the background and ends with the block.

    It reads its weights and nothing else of this machine. Sockets it may open: the endpoint's judge asks by them, and
    llama.cpp's server does not start without one on the loopback.
    """

    def __init__(
        self,
        settings: JudgeSettings,
        *,
        models: Path,
        module: str = "engine.juror",
        load_seconds: float = _LOAD_SECONDS,
    ) -> None:
        self._settings = settings
        self._models = models
        self._module = module
        self._load_seconds = load_seconds
        self._kept = Kept(self._start, name="judge")
        self._turn = asyncio.Lock()
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._running.enter_async_context(self._kept)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    @property
    def ready(self) -> bool:
        return self._kept.ready

    async def score(self, asked: Asked) -> float:
        """How surely the caption must be refused, 0..1. Raises Unjudged."""
        for _ in range(_ATTEMPTS):
            try:
                word = await self._ask(asked)
            except (ChildGone, TimeoutError) as error:
                log.warning("judge gave no answer", why=type(error).__name__)
                continue
            if isinstance(word, Word):
                return word.score
            log.warning("judge gave no answer", place=word.place)
        raise Unjudged

    async def _ask(self, asked: Asked) -> Word | NoWord:
        async with asyncio.timeout(2 * self._settings.seconds), self._turn:
            child = await self._kept.warm_child()
            word: Word | NoWord = await child.ask(asked, Word | NoWord, seconds=self._settings.seconds)
            return word

    async def _start(self) -> Child:
        child = await Child.start(self._module, name="judge", sandbox=self._sandbox())
        start = JudgeStart(settings=self._settings, models=self._models)
        reply: JudgeReady | JudgeUnusable = await child.ask(
            start, JudgeReady | JudgeUnusable, seconds=self._load_seconds
        )
        if isinstance(reply, JudgeUnusable):
            await child.close()
            raise ConfigError(reply.sentence)
        return child

    def _sandbox(self) -> Sandbox | None:
        """Transformers and a GPU reach more than can be listed here; they read no stranger's bytes but a caption."""
        if self._settings.kind in {"qwen3guard", "llamaguard"}:
            return None
        files = (str(self._models), self._settings.model, self._settings.key_file)
        return Sandbox(read=tuple(it for it in files if it and Path(it).exists()), network=True)
