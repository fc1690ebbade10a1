"""`python -m engine`: run the engine, and what an operator does to its keys, weights and files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import click
import msgspec

from engine import config, logs, models
from engine.detector import Detector
from engine.doctor import Mark, examine
from engine.errors import ConfigError
from engine.explaining import explain
from engine.fleet.node import Node, bring_token
from engine.ledger import RegistryFile, backups, read_figures
from engine.process import is_ready, look_over, prepare, serve
from engine.provenance import keys as signing_keys
from engine.provenance.mark import bring_watermark_key
from engine.renderers.diffusion import presets
from engine.renderers.diffusion import weights as large_weights
from engine.schema import MAX_VERIFY_BYTES

CONFIG_EXIT = 78
"""sysexits' EX_CONFIG: starting again would not help."""

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
        asyncio.run(serve(loaded, reread=lambda: config.load(path)))


@main.command()
@at_config
def ready(path: Path) -> None:
    """Ask the engine that runs whether a clip could be made now; ends with 1 where not. For health checks."""
    with explained():
        loaded = config.load(path)
        answer = asyncio.run(is_ready(loaded))
    click.echo("ready" if answer else "not ready")
    sys.exit(0 if answer else 1)


@main.command()
@at_config
def doctor(path: Path) -> None:
    """Look the machine over and say what to do about what is found; ends with 1 where something is wrong."""
    with explained():
        findings = list(examine(config.load(path), path))
    for finding in findings:
        click.echo(str(finding))
    if any(finding.mark is Mark.WRONG for finding in findings):
        sys.exit(1)


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


@main.group()
def cluster() -> None:
    """This machine as a part of a Ray cluster."""


at_host = click.option(
    "--host", default="127.0.0.1", show_default=True, help="This machine's address in the private network."
)
with_gpus = click.option(
    "--gpus",
    type=click.IntRange(min=0),
    default=0,
    help="How many GPUs it has, each a worker; 0 for one worker on the CPU.",
)


@cluster.command("head")
@at_config
@at_host
@with_gpus
@click.option("--port", type=click.IntRange(1, 65535), default=6379, show_default=True)
def cluster_head(path: Path, host: str, gpus: int, port: int) -> None:
    """The head, with workers on this machine; makes the cluster's token. Runs until it is stopped."""
    with explained():
        loaded = config.load(path)
        bring_token(loaded.cluster_token)
        node = Node(
            host=host,
            port=port,
            head=None,
            workers=max(1, gpus),
            gpus=gpus,
            token_file=loaded.cluster_token,
            models=loaded.models,
        )
        node.run()


@cluster.command("join")
@click.argument("head")
@at_config
@at_host
@with_gpus
@click.option("--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
def cluster_join(head: str, path: Path, host: str, gpus: int, token_file: Path) -> None:
    """One more machine: HEAD is the head's address, such as 10.0.0.1:6379. Runs until it is stopped."""
    with explained():
        node = Node(
            host=host,
            port=0,
            head=head,
            workers=max(1, gpus),
            gpus=gpus,
            token_file=token_file.resolve(),
            models=config.load(path).models,
        )
        node.run()


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
            registry=RegistryFile(loaded.ledger),
        )
        report = asyncio.run(detector.examine(file.read_bytes()))
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())


@main.command()
@click.argument("name", required=False)
@click.option("--list", "only_list", is_flag=True, help="Name the backups, the newest first; change nothing.")
@at_config
def restore(path: Path, name: str | None, *, only_list: bool) -> None:
    """Bring a backup of the ledger back: the newest that is whole, or NAME. The engine must not run."""
    with explained():
        ledger = config.load(path).ledger
        if only_list:
            for backup in backups.find(ledger):
                click.echo(f"{backup.path.name}  {_when(backup.taken_at)}  {backup.size_bytes / 1e6:.1f} MB")
            return
        chosen = backups.restore(ledger, name=name)
        click.echo(
            f"The ledger is {chosen.path.name} of {_when(chosen.taken_at)} again. What was accepted after it is lost; "
            f"what was there lies in {chosen.path.parent.name}/ for a day."
        )


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


@main.command()
@at_config
@click.option("--days", default=30.0, show_default=True, help="How far back.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def report(path: Path, *, days: float, as_json: bool) -> None:
    """Numbers for a transparency report: requests, refusals by reason, reports, appeals, decisions, times."""
    with explained():
        figures = read_figures(config.load(path).ledger, days=days)
    if as_json:
        click.echo(msgspec.json.encode(figures))
        return
    click.echo(f"The last {days:g} days")
    for name, value in msgspec.to_builtins(figures).items():
        words = name.replace("_", " ")
        if isinstance(value, dict):
            for part, count in sorted(value.items(), key=lambda pair: -pair[1]):
                click.echo(f"{words + ': ' + part:<40} {count:>8}")
        else:
            click.echo(f"{words:<40} {'-' if value is None else format(value, '>8.4g')}")


@main.group()
def policy() -> None:
    """What may be made."""


@policy.command("explain")
@click.argument("photo", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("caption", default="")
@click.option("--locale", default="en", show_default=True, help="The person's language.")
@click.option("--strict", is_flag=True, help="As in a group that wants it calmer.")
@at_config
def policy_explain(photo: Path, caption: str, locale: str, path: Path, *, strict: bool) -> None:
    """What every gate says of a PHOTO and a CAPTION, also those that are not asked after a refusal."""
    with explained():
        told = explain(config.load(path), photo.read_bytes(), caption, locale=locale, strict=strict)
        click.echo(told)


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


if __name__ == "__main__":
    main()
