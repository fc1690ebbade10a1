"""Preset looks: what a button, or a gate that restricts, offers instead of a caption."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.prompts.directions import Directions, Wish


def _effect(code: str) -> Directions:
    return Directions(wishes=(Wish(effect=code),), understood=True)


def _camera(code: str) -> Directions:
    return Directions(camera=code, understood=True)


LOOKS: Mapping[str, Directions] = MappingProxyType(
    {
        "gentle_zoom": _camera("push_in"),
        "pull_out": _camera("pull_out"),
        "pan": _camera("pan_right"),
        "orbit": _camera("orbit"),
        "sky_drift": _effect("sky_drift"),
        "snow": _effect("snow"),
        "rain": _effect("rain"),
        "fog": _effect("fog"),
        "golden_hour": _effect("golden_hour"),
        "sun_rays": _effect("sun_rays"),
        "night": _effect("night"),
        "fireflies": _effect("fireflies"),
        "confetti": _effect("confetti"),
        "leaves": _effect("leaves"),
        "petals": _effect("petals"),
        "hearts": _effect("hearts"),
        "smile": _effect("smile"),
        "blink": _effect("blink"),
    }
)
"""Look → directions. The names are stable: gates, buttons and the ledger use them."""

LOOK_NAMES = tuple(LOOKS)
