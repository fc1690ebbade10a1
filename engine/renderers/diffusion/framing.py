"""The size of a diffusion clip: as many pixels as the preset has, in the photo's shape, in the model's steps."""

from __future__ import annotations

import math

from engine.renderers import ClipFormat
from engine.renderers.described import find_subject
from engine.renderers.diffusion.presets import Preset
from engine.renderers.scene.framing import PORTRAIT_FROM, WIDE, Framing, crop_to
from engine.verdicts import Face


def frame_photo(
    preset: Preset,
    *,
    width: int,
    height: int,
    faces: tuple[Face, ...],
    clip_format: ClipFormat,
    scale: float = 1.0,
) -> Framing:
    """The crop, around the faces where there are any, and the clip's size; `scale` makes its sides smaller.

    Diffusion pipelines stretch a photo to the size that they are asked for; therefore it is cut before.
    """
    scale *= min(1.0, clip_format.short_side / preset.short_side)
    if clip_format.aspect == "9:16" or height >= PORTRAIT_FROM * width:
        sides = preset.short_side * scale, preset.long_side * scale
    else:
        ratio = max(1 / WIDE, min(WIDE, width / height))
        area = preset.short_side * preset.long_side * scale**2
        sides = math.sqrt(area * ratio), math.sqrt(area / ratio)
    clip_width, clip_height = (
        max(preset.side_step, round(side / preset.side_step) * preset.side_step) for side in sides
    )
    return crop_to(
        clip_width,
        clip_height,
        width=width,
        height=height,
        subject=find_subject(faces, width=width, height=height),
    )


def count_frames(preset: Preset, clip_format: ClipFormat) -> int:
    """The preset's number, or fewer where shorter clips are configured."""
    wanted = min(preset.frames, round(clip_format.seconds * preset.frames_per_second) + 1)
    return max(1, round((wanted - 1) / preset.frame_step)) * preset.frame_step + 1
