"""Image-to-video with diffusers, on a GPU: one preset, one renderer. torch is imported in the worker only."""

from __future__ import annotations

from pathlib import Path

from engine.config import RendererTable
from engine.renderers import Renderer


def lite(models: Path, options: RendererTable) -> Renderer:
    """FastWan 5B, small: from 8 GB of GPU memory."""
    return _make("lite", models, options)


def standard(models: Path, options: RendererTable) -> Renderer:
    """FastWan 5B at 704×1280: from 16 GB."""
    return _make("standard", models, options)


def quality(models: Path, options: RendererTable) -> Renderer:
    """Wan 14B, two experts, four steps: from 24 GB."""
    return _make("quality", models, options)


def sound(models: Path, options: RendererTable) -> Renderer:
    """LTX-2.5 with sound: from 48 GB, and for those who accept its licence."""
    return _make("sound", models, options)


def _make(name: str, models: Path, options: RendererTable) -> Renderer:
    from engine.renderers.diffusion.presets import find_preset
    from engine.renderers.diffusion.renderer import DiffusionRenderer

    return DiffusionRenderer(find_preset(name), models, options)
