"""What a worker on this machine may reach: as little as its renderer can do with."""

from __future__ import annotations

from pathlib import Path

from engine.children import Sandbox
from engine.children.sandbox import everything_but

_SMALL = frozenset({"scene"})
"""Renderers of ours that were seen to need their weights, the photo and the work folder, and nothing else."""


def worker_sandbox(renderer: str, *, data: Path, models: Path) -> Sandbox:
    """`scene` gets a closed child. A GPU's driver, a compiler and another renderer's package reach further than
    anybody can list: those get all but the data folder, in which only weights, photos and their own work are open.
    """
    photos, work = data / "photos", data / "work"
    if renderer in _SMALL:
        return Sandbox(read=_text(models, photos), write=_text(work))
    outside = _text(*everything_but(data))
    return Sandbox(read=_text(models, photos), write=(*outside, *_text(work)), programs=True, network=True)


def _text(*paths: Path) -> tuple[str, ...]:
    return tuple(str(path) for path in paths)
