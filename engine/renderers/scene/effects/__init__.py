"""The effects by code, in the order in which they are applied. A new effect is one module and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from engine.renderers.scene.effects.balloons import Balloons
from engine.renderers.scene.effects.blink import Blink
from engine.renderers.scene.effects.breathing import Breathing
from engine.renderers.scene.effects.confetti import Confetti
from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.effects.embers import Embers
from engine.renderers.scene.effects.fireflies import Fireflies
from engine.renderers.scene.effects.flicker import Flicker
from engine.renderers.scene.effects.fog import Fog
from engine.renderers.scene.effects.golden_hour import GoldenHour
from engine.renderers.scene.effects.hair import Hair
from engine.renderers.scene.effects.hearts import Hearts
from engine.renderers.scene.effects.leaves import Leaves
from engine.renderers.scene.effects.lightning import Lightning
from engine.renderers.scene.effects.night import Night
from engine.renderers.scene.effects.petals import Petals
from engine.renderers.scene.effects.rain import Rain
from engine.renderers.scene.effects.sky_drift import SkyDrift
from engine.renderers.scene.effects.smile import Smile
from engine.renderers.scene.effects.snow import Snow
from engine.renderers.scene.effects.steam import Steam
from engine.renderers.scene.effects.sun_rays import SunRays
from engine.renderers.scene.effects.swash import Swash
from engine.renderers.scene.effects.sway import Sway
from engine.renderers.scene.effects.water import Water
from engine.renderers.scene.effects.white_water import WhiteWater
from engine.renderers.scene.effects.wink import Wink
from engine.renderers.scene.places import Need

EFFECTS: Mapping[str, type[Effect]] = {
    "sky_drift": SkyDrift,
    "water": Water,
    "swash": Swash,
    "white_water": WhiteWater,
    "sway": Sway,
    "flicker": Flicker,
    "breathing": Breathing,
    "hair": Hair,
    "smile": Smile,
    "blink": Blink,
    "wink": Wink,
    "steam": Steam,
    "fog": Fog,
    "lightning": Lightning,
    "rain": Rain,
    "snow": Snow,
    "leaves": Leaves,
    "petals": Petals,
    "confetti": Confetti,
    "balloons": Balloons,
    "hearts": Hearts,
    "golden_hour": GoldenHour,
    "night": Night,
    "sun_rays": SunRays,
    "fireflies": Fireflies,
    "embers": Embers,
}

__all__ = ["EFFECTS", "Effect", "Need"]
