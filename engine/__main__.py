"""`python -m engine`: run the engine, and what an operator does to its keys, weights and files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Self

import click
import msgspec
from aiohttp import web

from engine import config, logs, models
from engine.api import Door
from engine.config import EngineConfig
from engine.detector import Detector
from engine.dispatcher import Dispatcher, Retention
from engine.errors import ConfigError
from engine.finishing import Finishing
from engine.fleet.local import LocalFleet
from engine.ledger import Ledger, Limits, RegistryFile
from engine.metrics import Metrics
from engine.pipeline import Shop
from engine.provenance import keys as signing_keys
from engine.provenance.mark import bring_watermark_key
from engine.renderers import ENTRY_POINT_GROUP, ClipFormat
from engine.renderers.diffusion import presets
from engine.renderers.diffusion import weights as large_weights
from engine.schema import MAX_VERIFY_BYTES
from engine.screening import Screening

CONFIG_EXIT = 78
"""sysexits' EX_CONFIG: starting again would not help."""

LEAST_TOKEN = 16
"""Characters of the bearer token; fewer can be guessed."""

LONGEST_SOCKET_PATH = 107
"""What the kernel takes as the path of a Unix socket."""

HOUR, DAY = 3600.0, 86_400.0

log = logs.get(__name__)

at_config = click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True
)


@click.group()
def main() -> None:
    """Zoetrope's engine: jobs in, labelled and signed clips out."""
    logs.configure(process="engine")


@main.command()
@at_config
def run(path: Path) -> None:
    """Take jobs until SIGINT or SIGTERM."""
    os.umask(0o077)  # photos, prompts and keys are for their owner only
    with explained():
        loaded = config.load(path)
        prepare(loaded)
        asyncio.run(serve(loaded))


@main.command("check-config")
@at_config
def check_config(path: Path) -> None:
    """Say what is wrong with the configuration, or that nothing is."""
    with explained():
        loaded = config.load(path)
        look_over(loaded)
        click.echo(
            f"{path}: the engine's tables are fine"
            if path.exists()
            else f"there is no {path}: the defaults hold"
        )
        if loaded.keys.exists():
            facts = signing_keys.describe(loaded.keys)
            click.echo("\n".join(filter(None, (str(facts), facts.warning()))))
        click.echo(_list_models(loaded.models))


@main.group()
def keys() -> None:
    """The keys that sign clips."""


@keys.command("init")
@at_config
def keys_init(path: Path) -> None:
    """Make a private certificate authority and a signing key; existing ones are never overwritten."""
    with explained():
        loaded = config.load(path)
        click.echo(str(signing_keys.init_keys(loaded.keys, operator=loaded.provenance.operator)))


@keys.command("show")
@at_config
def keys_show(path: Path) -> None:
    """Names, fingerprints and expiry; no key material."""
    with explained():
        click.echo(str(signing_keys.describe(config.load(path).keys)))


@keys.command("import")
@at_config
@click.argument("chain", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("root", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its key, in PEM.")
def keys_import(path: Path, chain: Path, root: Path, key: Path | None) -> None:
    """Take a certificate from an authority: CHAIN is the leaf and its issuers, ROOT the anchor, both in PEM.

    Without --key, `[provenance] signer` names what holds the key.
    """
    with explained():
        click.echo(str(signing_keys.import_keys(config.load(path).keys, chain=chain, root=root, key=key)))


@keys.command("renew")
@at_config
def keys_renew(path: Path) -> None:
    """A new signing certificate from the same authority."""
    with explained():
        loaded = config.load(path)
        click.echo(str(signing_keys.renew_leaf(loaded.keys, operator=loaded.provenance.operator)))


@main.group("models")
def weights() -> None:
    """The weights that the renderer and the gates use."""


@weights.command("fetch")
@click.argument("names", nargs=-1)
@click.option("--accept-licence", is_flag=True, help="For weights whose licence asks for a decision.")
@at_config
def models_fetch(path: Path, names: tuple[str, ...], *, accept_licence: bool) -> None:
    """Fetch what is missing of the default set, or the NAMES of files or of presets; everything is checked."""
    with explained():
        folder = config.load(path).models
        files = tuple(name for name in names if name not in presets.PRESETS)
        for name in (name for name in names if name in presets.PRESETS):
            large_weights.fetch(presets.PRESETS[name], folder, accepted=accept_licence, say=click.echo)
        if files or not names:
            with ProgressBars() as bars:
                models.fetch(folder, files, accepted=accept_licence, progress=bars.show)
        click.echo(_list_models(folder))


@weights.command("list")
@at_config
def models_list(path: Path) -> None:
    """Every file and preset with its licence, size, whether it is here, and what is off without it."""
    with explained():
        click.echo(_list_models(config.load(path).models))


@weights.command("check")
@click.argument("names", nargs=-1)
@at_config
def models_check(path: Path, names: tuple[str, ...]) -> None:
    """Look for changed files and missing tensors in the NAMED presets, or in all that are here. Needs no GPU."""
    with explained():
        loaded = config.load(path)
        chosen = [presets.find_preset(name) for name in names] or [
            preset for preset in presets.PRESETS.values() if (loaded.models / preset.folder).is_dir()
        ]
        faults = [
            f"{preset.name}: {fault}"
            for preset in chosen
            for fault in large_weights.find_faults(loaded.models / preset.folder)
        ]
        faults += [str(state) for state in models.describe(loaded.models) if state.is_missing]
        click.echo("\n".join(faults) or "All that is here is whole.")
        sys.exit(1 if faults else 0)


def _list_models(folder: Path) -> str:
    rows = [str(state) for state in models.describe(folder)]
    return "\n".join(
        [*rows, *(large_weights.describe(preset, folder) for preset in presets.PRESETS.values())]
    )


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@at_config
def verify(file: Path, path: Path) -> None:
    """What is known of a file: who made it, and whether it was changed since."""
    with explained():
        loaded = config.load(path)
        if file.stat().st_size > MAX_VERIFY_BYTES:
            raise ConfigError(f"{file.name} is too large: I look into files up to {MAX_VERIFY_BYTES} bytes")
        detector = Detector(
            root_pem=signing_keys.read_root(loaded.keys),
            watermark_key=bring_watermark_key(loaded.keys),
            registry=RegistryFile(loaded.data / "engine.sqlite"),
        )
        report = asyncio.run(detector.examine(file.read_bytes()))
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())


class ProgressBars:
    """One line a package on a terminal; nothing elsewhere."""

    def __init__(self) -> None:
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_line()

    def show(self, name: str, fraction: float) -> None:
        if not sys.stderr.isatty():
            return
        if name != self._shown:
            self._end_line()
        self._shown = name
        done = round(fraction * 30)
        click.echo(f"\r{name:<40} [{'#' * done}{'.' * (30 - done)}] {fraction:4.0%}", nl=False, err=True)

    def _end_line(self) -> None:
        if self._shown:
            click.echo(err=True)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """A configuration that cannot be used is one sentence and an exit code, not a traceback."""
    try:
        yield
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(CONFIG_EXIT)


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
    for folder in (loaded.data, *(loaded.data / name for name in ("photos", "clips", "work", "models"))):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not loaded.keys.exists():
        signing_keys.init_keys(loaded.keys, operator=loaded.provenance.operator)
        log.info("signing keys made")
    bring_weights(loaded.models)


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


async def serve(loaded: EngineConfig) -> None:
    """Everything open, then wait for a signal; everything closes in the opposite order."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with engine(loaded) as door, listening(loaded, door):
        log.info("engine listens", port=loaded.engine.port or None, renderer=loaded.engine.renderer)
        await stopping.wait()
        log.info("engine stops")
        door.dispatcher.accepting = False
        door.dispatcher.news.ring()


@asynccontextmanager
async def engine(loaded: EngineConfig) -> AsyncIterator[Door]:
    """The engine's parts, put together. Raises ConfigError."""
    limits = Limits(
        depth=loaded.limits.depth,
        queued_per_requester=loaded.limits.queued_per_requester,
        running_per_requester=loaded.limits.running_per_requester,
    )
    async with AsyncExitStack() as parts:
        ledger = await parts.enter_async_context(Ledger(loaded.data / "engine.sqlite", limits=limits))
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
            )
        )
        fleet = await parts.enter_async_context(
            LocalFleet(
                renderer=loaded.engine.renderer,
                models=loaded.models,
                work=loaded.data / "work",
                options=loaded.renderer,
                devices=loaded.engine.devices,
            )
        )
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
            retention=Retention(
                clip=loaded.retention.clip_hours * HOUR,
                prompt=loaded.retention.prompt_days * DAY,
                ids=loaded.retention.id_days * DAY,
            ),
            work=loaded.data / "work",
            renderer=loaded.engine.renderer,
        )
        await parts.enter_async_context(dispatcher.serving(drain_seconds=loaded.engine.drain_seconds))
        yield Door(
            dispatcher=dispatcher,
            places=loaded.limits.at_the_door,
            body_seconds=loaded.limits.body_seconds,
            free_disk_megabytes=loaded.engine.free_disk_megabytes,
            token=_token(loaded),
        )


@asynccontextmanager
async def listening(loaded: EngineConfig, door: Door) -> AsyncIterator[None]:
    """A Unix socket that only its owner can open, or loopback with a token."""
    runner = web.AppRunner(door.application(), access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    try:
        if loaded.engine.port:
            await web.TCPSite(runner, "127.0.0.1", loaded.engine.port).start()
        else:
            loaded.socket.unlink(missing_ok=True)  # the ledger's lock says that nobody else listens here
            await web.UnixSite(runner, str(loaded.socket)).start()
            loaded.socket.chmod(0o600)
        yield
    finally:
        await runner.cleanup()


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


if __name__ == "__main__":
    main()
