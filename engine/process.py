"""The engine as a process: made ready at its first start, put together, listening, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path

from aiohttp import web

from engine import logs, models
from engine.api import Door
from engine.children import Sandbox, in_background
from engine.children.sandbox import support
from engine.classifiers.judges import JudgeSettings
from engine.client import Address, EngineClient
from engine.config import EngineConfig
from engine.detector import Detector
from engine.dispatcher import Dispatcher, Fleet, Retention
from engine.errors import ConfigError, EngineUnavailable
from engine.finishing import Finishing
from engine.fleet import WorkerSettings
from engine.fleet.cluster import ClusterFleet
from engine.fleet.confinement import worker_sandbox
from engine.fleet.local import LocalFleet
from engine.judging import Judging, look_over_judge
from engine.ledger import Backups, Ledger, Limits
from engine.metrics import Metrics
from engine.pipeline import Shop
from engine.provenance import keys as signing_keys
from engine.provenance.mark import bring_watermark_key
from engine.renderers import ENTRY_POINT_GROUP, ClipFormat
from engine.screening import Screening

LEAST_TOKEN = 16
"""Characters of the bearer token; fewer can be guessed."""

LONGEST_SOCKET_PATH = 107
"""What the kernel takes as the path of a Unix socket."""

BACKLOG = 4096
"""Connections that wait to be met. Over it a Unix socket refuses at once, and a thousand may come in the same moment."""

HOUR, DAY = 3600.0, 86_400.0

log = logs.get(__name__)


def look_over(loaded: EngineConfig) -> None:
    """What can be known before a start, beyond what each value may be. Raises ConfigError."""
    installed = entry_points(group=ENTRY_POINT_GROUP).names
    if loaded.engine.renderer not in installed:
        raise ConfigError(
            f"[engine] renderer = {loaded.engine.renderer!r} is not installed; there are: {', '.join(sorted(installed))}"
        )
    if not loaded.engine.port and len(os.fsencode(loaded.socket)) > LONGEST_SOCKET_PATH:
        raise ConfigError(
            "the data folder's path is too long for a Unix socket: use a shorter `data`, or set [engine] port and token_file"
        )
    _token(loaded)


def prepare(loaded: EngineConfig) -> None:
    """What the first start makes: folders, keys and weights. Raises ConfigError."""
    look_over(loaded)
    for folder in (
        loaded.data,
        *(loaded.data / name for name in ("photos", "clips", "work", "scratch", "models")),
    ):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not loaded.keys.exists():
        signing_keys.init_keys(loaded.keys, operator=loaded.provenance.operator)
        log.info("signing keys made")
    bring_weights(loaded.models)
    if loaded.environment != "development":
        look_over_judge(_judge_settings(loaded), loaded.models)


def bring_weights(folder: Path) -> None:
    """Raises ConfigError where the renderer cannot do without what could not be had; the rest is switched off, and said."""
    complaint = None
    try:
        models.fetch(folder)
    except ConfigError as error:
        complaint = error
    for state in models.describe(folder):
        if not state.present and state.model.kind == "default":
            log.warning("weights are missing", model=state.model.name, off=state.model.needed_for)
        if not state.present and state.model.kind == "required" and state.model.sources and complaint:
            raise complaint


async def serve(loaded: EngineConfig, *, reread: Callable[[], EngineConfig] | None = None) -> None:
    """Everything open, then wait for a signal; everything closes in the opposite order.

    SIGHUP takes policy, limits and retention from what `reread` returns.
    """
    stopping, hung_up = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, hung_up.set)
    async with engine(loaded) as door, listening(loaded, door):
        log.info("engine listens", port=loaded.engine.port or None, renderer=loaded.engine.renderer)
        reloading = in_background(_reload_when(hung_up, door, reread or (lambda: loaded)), name="reload")
        await stopping.wait()
        reloading.cancel()
        log.info("engine stops")
        door.dispatcher.accepting = False
        door.dispatcher.news.ring()


async def _reload_when(rung: asyncio.Event, door: Door, reread: Callable[[], EngineConfig]) -> None:
    while True:
        await rung.wait()
        rung.clear()
        try:
            await reload(door, reread())
        except ConfigError as error:
            log.error("configuration not reloaded", reason=str(error))  # noqa: TRY400  # a sentence for the operator
        except TimeoutError:
            log.error("the gates do not load with the new policy")  # noqa: TRY400  # nothing more is known


async def reload(door: Door, loaded: EngineConfig) -> None:
    """Take policy, limits and retention from `loaded` while jobs go on; everything else needs a start.

    Raises TimeoutError when the gates do not load.
    """
    dispatcher = door.dispatcher
    dispatcher.ledger.set_limits(_limits(loaded))
    door.places, door.body_seconds = loaded.limits.at_the_door, loaded.limits.body_seconds
    dispatcher.retention = _retention(loaded)
    await dispatcher.shop.screening.reload(loaded.policy)
    log.info("configuration reloaded", policy_version=dispatcher.shop.screening.policy_version)


@asynccontextmanager
async def _fleet(loaded: EngineConfig) -> AsyncIterator[Fleet]:
    """The machines of a cluster where there is one, else this one."""
    models, work = loaded.models, loaded.data / "work"
    if loaded.cluster.address:
        settings = WorkerSettings(
            renderer=loaded.engine.renderer, models=models, work=work, options=loaded.renderer
        )
        async with ClusterFleet(
            address=loaded.cluster.address,
            token_file=loaded.cluster_token,
            settings=settings,
            workers=loaded.cluster.workers,
            gpus=loaded.cluster.gpus_per_worker,
        ) as cluster:
            yield cluster
        return
    async with LocalFleet(
        renderer=loaded.engine.renderer,
        models=models,
        work=work,
        options=loaded.renderer,
        devices=loaded.engine.devices,
        sandbox=worker_sandbox(loaded.engine.renderer, data=loaded.data, models=models),
    ) as local:
        yield local


def _limits(loaded: EngineConfig) -> Limits:
    return Limits(
        depth=loaded.limits.depth,
        queued_per_requester=loaded.limits.queued_per_requester,
        running_per_requester=loaded.limits.running_per_requester,
        queued_per_group=loaded.limits.queued_per_group,
        per_day=loaded.limits.per_day,
        refusals=loaded.limits.refusals,
        refusals_minutes=loaded.limits.refusals_minutes,
    )


def _retention(loaded: EngineConfig) -> Retention:
    return Retention(
        clip=loaded.retention.clip_hours * HOUR,
        prompt=loaded.retention.prompt_days * DAY,
        ids=loaded.retention.id_days * DAY,
    )


@asynccontextmanager
async def engine(loaded: EngineConfig) -> AsyncIterator[Door]:
    """The engine's parts, put together. Raises ConfigError."""
    for lack in support().missing:
        log.warning("children are less closed than they could be", lack=lack)
    async with AsyncExitStack() as parts:
        ledger = await parts.enter_async_context(Ledger(loaded.ledger, limits=_limits(loaded)))
        backups = await parts.enter_async_context(Backups(loaded.ledger))
        finishing = await parts.enter_async_context(
            Finishing(
                keys=loaded.keys,
                operator=loaded.provenance.operator,
                tsa_url=loaded.provenance.tsa_url or None,
                signer=loaded.provenance.signer,
            )
        )
        screening = await parts.enter_async_context(
            Screening(
                models=loaded.models,
                policy=loaded.policy,
                environment=loaded.environment,
                check_seconds=loaded.limits.check_seconds,
                judging=_judging(loaded),
                gate_children=loaded.limits.gate_children,
                gate_sandbox=Sandbox(
                    read=tuple(
                        str(it)
                        for it in (
                            loaded.models,
                            loaded.data / "photos",
                            loaded.data / "work",
                            *filter(None, (loaded.policy.known_pictures,)),
                        )
                    ),
                    temporary=str(loaded.data / "scratch"),
                ),
            )
        )
        fleet = await parts.enter_async_context(_fleet(loaded))
        detector = Detector(
            root_pem=signing_keys.read_root(loaded.keys),
            watermark_key=bring_watermark_key(loaded.keys),
            registry=ledger,
        )
        shop = Shop(
            screening=screening,
            finishing=finishing,
            detector=detector,
            photos=loaded.data / "photos",
            clips=loaded.data / "clips",
            clip_format=ClipFormat(
                short_side=loaded.clip.short_side,
                seconds=loaded.clip.seconds,
                frames_per_second=loaded.clip.frames_per_second,
                aspect=loaded.clip.aspect,
            ),
        )
        dispatcher = Dispatcher(
            ledger=ledger,
            fleet=fleet,
            shop=shop,
            metrics=Metrics(),
            retention=_retention(loaded),
            work=loaded.data / "work",
            renderer=loaded.engine.renderer,
            spare_megabytes=max(1, loaded.engine.free_disk_megabytes // 10),
        )
        await parts.enter_async_context(dispatcher.serving(drain_seconds=loaded.engine.drain_seconds))
        yield Door(
            dispatcher=dispatcher,
            places=loaded.limits.at_the_door,
            body_seconds=loaded.limits.body_seconds,
            free_disk_megabytes=loaded.engine.free_disk_megabytes,
            token=_token(loaded),
            backups=backups,
        )


@asynccontextmanager
async def listening(loaded: EngineConfig, door: Door) -> AsyncIterator[None]:
    """A Unix socket that only its owner can open, or loopback with a token."""
    runner = web.AppRunner(door.application(), access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    try:
        if loaded.engine.port:
            await web.TCPSite(runner, "127.0.0.1", loaded.engine.port, backlog=BACKLOG).start()
        else:
            loaded.socket.unlink(missing_ok=True)  # the ledger's lock says that nobody else listens here
            await web.UnixSite(runner, str(loaded.socket), backlog=BACKLOG).start()
            loaded.socket.chmod(0o600)
        yield
    finally:
        await runner.cleanup()


async def is_ready(loaded: EngineConfig) -> bool:
    """What the engine that runs with this configuration says of itself; False where none answers. Raises ConfigError."""
    if loaded.engine.port:
        address = Address(url=f"http://127.0.0.1:{loaded.engine.port}", token=_token(loaded))
    else:
        address = Address(socket=loaded.socket)
    async with EngineClient(address) as client:
        try:
            return (await client.status()).ready
        except EngineUnavailable:
            return False


def _judging(loaded: EngineConfig) -> Judging | None:
    """None without one; in development also where what it needs is missing."""
    settings = _judge_settings(loaded)
    try:
        look_over_judge(settings, loaded.models)
    except ConfigError as error:
        if loaded.environment != "development":
            raise
        log.warning("no judge", reason=str(error))
        return None
    return None if settings.kind == "none" else Judging(settings, models=loaded.models)


def _judge_settings(loaded: EngineConfig) -> JudgeSettings:
    policy = loaded.policy
    return JudgeSettings(
        kind=policy.judge,
        model=policy.judge_model,
        url=policy.judge_url,
        key_file=policy.judge_key_file,
        seconds=policy.judge_seconds,
    )


def _token(loaded: EngineConfig) -> str | None:
    """The bearer token; on a Unix socket there is none. Raises ConfigError."""
    if not loaded.engine.port:
        return None
    try:
        token = (loaded.folder / loaded.engine.token_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"[engine] token_file cannot be read ({type(error).__name__})") from error
    if len(token) < LEAST_TOKEN:
        raise ConfigError(f"[engine] token_file: a token of at least {LEAST_TOKEN} characters is expected")
    return token
