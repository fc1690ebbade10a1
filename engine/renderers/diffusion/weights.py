"""The presets' weights: fetched from their hub once, pinned to what was fetched, checked without a GPU, offline afterwards."""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import ConfigError
from engine.renderers.diffusion.machine import import_torch
from engine.renderers.diffusion.presets import Family, Preset
from engine.renderers.diffusion.tiny import FOLDER as TINY_FOLDER

RECORD = "zoetrope.json"
"""Beside the weights: which revision they are, and the hash of every file."""

PINNED: Mapping[str, str] = {}
"""Commits of repositories, by name, that are fetched whatever their branches say by then.

Empty: where this is developed no hub can be reached, and a commit that nobody has looked up is none. Until somebody fills it in, the
first try of a fetch pins what it finds, and every later try and check goes by that.
"""

PINS = "zoetrope-pins.json"
"""In an unfinished folder: the commits that its first try found, so that a later one does not mix two."""

ROOM = 1.05
"""How much free disk a fetch wants, of what it will write."""

PARTS = {
    Family.WAN: ("model_index.json", "scheduler/*", "text_encoder/*", "tokenizer/*", "transformer/*", "transformer_2/*", "vae/*"),
    Family.LTX: (
        "model_index.json", "scheduler/*", "text_encoder/*", "tokenizer/*", "transformer/*", "connectors/*", "vae/*",
        "audio_vae/*", "vocoder/*", "duration_head/*", "latent_upsampler/*",
    ),
}  # fmt: skip
"""What of a repository is needed; some hold the undistilled model as well."""


class KeptFile(msgspec.Struct, frozen=True):
    """One file, its place in the folder, and its hash."""

    name: str
    size_bytes: int
    sha256: str


class Record(msgspec.Struct, frozen=True):
    """What was fetched. `revisions` are the commits, by repository."""

    revisions: dict[str, str]
    files: tuple[KeptFile, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A repository, the files that we want of it, and the folder below the preset's where they go."""

    repo: str
    patterns: tuple[str, ...]
    into: str = "."


def list_sources(preset: Preset) -> Iterator[Source]:
    """The model, then its LoRAs."""
    yield Source(preset.repo, PARTS[preset.family])
    for repo in dict.fromkeys(lora.repo for lora in preset.loras):
        yield Source(repo, tuple(lora.file for lora in preset.loras if lora.repo == repo), into="loras")


def fetch(
    preset: Preset, models: Path, *, accepted: bool, say: Callable[[str], None], endpoint: str | None = None
) -> Path:
    """Bring the weights, going on where an earlier try stopped; what is here already is left alone.

    The folder has its name only once everything in it is whole. Raises ConfigError: the licence was not accepted,
    the disk is too small, the hub does not answer, or sends another file than it announces.
    """
    folder = models / preset.folder
    if read_record(folder) is not None:
        return folder
    if preset.licence_note and not accepted:
        raise ConfigError(f"{preset.licence_note} If you accept that, add --accept-licence.")
    say(f"{preset.title}: {preset.licence}")
    unfinished = models / f".fetching-{preset.folder}"
    unfinished.mkdir(parents=True, exist_ok=True)
    try:
        revisions = {
            source.repo: _download(source, unfinished, endpoint=endpoint, say=say)
            for source in list_sources(preset)
        }
    except ConfigError:
        raise
    except Exception as error:  # the hub's client lets its HTTP library's errors through, whichever that is
        raise ConfigError(
            f"{preset.repo} could not be fetched ({type(error).__name__}); try again later"
        ) from error
    _fetch_tiny(preset, unfinished, revisions, endpoint=endpoint, say=say)
    (unfinished / PINS).unlink()
    record = Record(revisions=revisions, files=tuple(_hash_files(unfinished)))
    (unfinished / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(record)))
    unfinished.rename(folder)
    return folder


def _fetch_tiny(
    preset: Preset,
    unfinished: Path,
    revisions: dict[str, str],
    *,
    endpoint: str | None,
    say: Callable[[str], None],
) -> None:
    """What only an option needs must not keep the rest away."""
    if preset.tiny is None:
        return
    source = Source(preset.tiny.repo, (preset.tiny.file,), into=TINY_FOLDER)
    try:
        revision = _download(source, unfinished, endpoint=endpoint, say=say)
    except Exception as error:  # noqa: BLE001  # as above: whatever the hub's client lets through
        say(f'{source.repo} could not be fetched ({type(error).__name__}); only decoder = "tiny" needs it')
        return
    if (unfinished / TINY_FOLDER / preset.tiny.file).is_file():
        revisions[source.repo] = revision
    else:
        say(f'{source.repo} has no {preset.tiny.file}; only decoder = "tiny" needs it')


def read_record(folder: Path) -> Record | None:
    """None where nothing was fetched into this folder, or not all of it."""
    path = folder / RECORD
    return msgspec.json.decode(path.read_bytes(), type=Record) if path.is_file() else None


def describe(preset: Preset, models: Path) -> str:
    """A line for people."""
    folder = models / preset.folder
    record = read_record(folder)
    if record is not None:
        here, size = "ready", f"{sum(file.size_bytes for file in record.files) / 1e9:5.1f} GB"
    else:
        here, size = ("put here" if folder.is_dir() else "not fetched"), "        "
    return f'{preset.name:<23} {here:<11} {size}  {preset.licence}  for renderer = "{preset.name}" ({preset.title})'


def find_faults(folder: Path) -> Iterator[str]:
    """What is wrong with a folder of weights, one sentence each; nothing where it is whole. Needs no GPU.

    A folder that was not fetched by us has no record, and is looked at for missing tensors only.
    """
    if not folder.is_dir():
        yield f"there is no folder {folder.name}"
        return
    record = read_record(folder)
    for file in record.files if record is not None else ():
        path = folder / file.name
        if not path.is_file() or path.stat().st_size != file.size_bytes or _hash(path) != file.sha256:
            yield f"{file.name} is not the file that was fetched"
    yield from _find_missing_tensors(folder)


def _download(source: Source, unfinished: Path, *, endpoint: str | None, say: Callable[[str], None]) -> str:
    """Into its place below a folder; the commit that it was. The hub's own progress bars show on a terminal."""
    from huggingface_hub import snapshot_download

    info, into = _pin(source, unfinished / PINS, endpoint=endpoint), unfinished / source.into
    settings: dict[str, Any] = {
        "revision": info.sha,
        "local_dir": str(into),
        "allow_patterns": list(source.patterns),
        "endpoint": endpoint,
    }
    missing = sum(
        file.file_size
        for file in snapshot_download(source.repo, dry_run=True, **settings)
        if file.will_download
    )
    free = shutil.disk_usage(into.parent).free
    if missing * ROOM > free:
        raise ConfigError(
            f"{source.repo} needs {missing / 1e9:.1f} GB of disk, and {free / 1e9:.1f} GB are free"
        )
    say(f"{source.repo}: {missing / 1e9:.1f} GB to fetch")
    snapshot_download(source.repo, **settings)
    _compare(into, info.siblings or ())
    return str(info.sha)


def _pin(source: Source, pins: Path, *, endpoint: str | None) -> Any:
    """What the hub says of the pinned commit; of the newest, which is noted, where none is pinned yet."""
    from huggingface_hub import HfApi

    noted = msgspec.json.decode(pins.read_bytes(), type=dict[str, str]) if pins.is_file() else {}
    wanted = PINNED.get(source.repo, noted.get(source.repo))
    info = HfApi(endpoint=endpoint).model_info(source.repo, revision=wanted, files_metadata=True)
    if wanted is not None and info.sha != wanted:
        raise ConfigError(f"{source.repo} answers with another revision than {wanted[:12]}, which is pinned")
    pins.write_bytes(msgspec.json.encode(noted | {source.repo: str(info.sha)}))
    return info


def _compare(folder: Path, siblings: Any) -> None:
    """Every large file against the hash that the hub names for it; a name that leads out of the folder is none of ours."""
    for sibling in siblings:
        path = (folder / sibling.rfilename).resolve()
        if not path.is_relative_to(folder.resolve()):
            continue
        if sibling.lfs is not None and path.is_file() and _hash(path) != sibling.lfs.sha256:
            path.unlink()
            raise ConfigError(f"{sibling.rfilename} is not the file that its repository names; fetch again")


def _hash_files(folder: Path) -> Iterator[KeptFile]:
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # the hub client's notes about half-fetched files
    for part in ("loras", TINY_FOLDER):
        shutil.rmtree(folder / part / ".cache", ignore_errors=True)
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != RECORD):
        yield KeptFile(str(path.relative_to(folder)), path.stat().st_size, _hash(path))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _find_missing_tensors(folder: Path) -> Iterator[str]:
    """Diffusers loads a checkpoint that lacks tensors without a word; the files' headers tell."""
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        yield "model_index.json is missing or not readable"
        return
    for part, kind in index.items():
        if isinstance(kind, list) and kind[0] and list((folder / part).glob("*.safetensors")):
            lacking = sorted(_expected_tensors(folder / part, *kind) - _stored_tensors(folder / part))
            if lacking:
                yield f"{part} lacks {len(lacking)} tensors, first {lacking[0]}"


def _expected_tensors(folder: Path, library: str, name: str) -> set[str]:
    """The names that the configuration asks for; weights that are tied to others may be left out."""
    torch = import_torch()
    if library == "transformers":
        from transformers import AutoConfig

        configuration = AutoConfig.from_pretrained(folder, local_files_only=True)
        with torch.device("meta"):
            model = getattr(importlib.import_module(library), name)(configuration)
        return set(model.state_dict()) - set(model.all_tied_weights_keys)
    module = library if library == "diffusers" else f"diffusers.pipelines.{library}"
    kind = getattr(importlib.import_module(module), name)
    with torch.device("meta"):
        return set(kind.from_config(kind.load_config(str(folder))).state_dict())


def _stored_tensors(folder: Path) -> set[str]:
    from safetensors import safe_open

    stored: set[str] = set()
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="pt") as file:
            stored |= set(file.keys())
    return stored
