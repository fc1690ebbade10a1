"""`renderer = "auto"`: the best preset that this machine's GPU has room for and whose weights are here, else `scene`."""

from __future__ import annotations

from pathlib import Path

from engine import logs
from engine.config import RendererTable
from engine.errors import ConfigError
from engine.renderers import Renderer, find_renderer
from engine.renderers.diffusion.machine import Machine
from engine.renderers.diffusion.presets import BY_MEMORY, PRESETS

log = logs.get(__name__)

WITHOUT_GPU = "scene"


def auto(models: Path, options: RendererTable) -> Renderer:
    """Says in the log which it is and why."""
    name, why = choose(models, options, gigabytes=_gpu_memory(options))
    tell = log.warning if name == WITHOUT_GPU else log.info
    tell("renderer chosen", renderer=name, why=why)
    return find_renderer(name)(models, options)


def choose(models: Path, options: RendererTable, *, gigabytes: float) -> tuple[str, str]:
    """The renderer's name and the reason. `gigabytes` of GPU memory; 0 where there is no usable GPU."""
    if not gigabytes:
        return WITHOUT_GPU, "no GPU that torch can use"
    fitting = [PRESETS[name] for name in BY_MEMORY if PRESETS[name].memory_gigabytes <= gigabytes]
    for preset in fitting:
        if options.weights or (models / preset.folder).is_dir():
            return preset.name, f"the GPU has {gigabytes:.0f} GB, and the weights are here"
    if not fitting:
        return WITHOUT_GPU, f"the GPU has {gigabytes:.0f} GB, and the smallest preset needs more"
    return WITHOUT_GPU, f"no weights are here; run: python -m engine models fetch {fitting[0].name}"


def _gpu_memory(options: RendererTable) -> float:
    try:
        return Machine.find(options).gigabytes
    except ConfigError:  # without torch there is no GPU for us
        return 0.0
