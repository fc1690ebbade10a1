"""Blinking: both eyes close and open again, once or twice in four seconds, now and then twice in a row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.effects.lid import Lid
from engine.renderers.scene.patch import Patch
from engine.renderers.scene.picture import ease
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment

CLOSING, SHUT, OPENING = 0.1, 0.04, 0.2
"""Seconds; a lid falls twice as fast as it rises."""
WHOLE = CLOSING + SHUT + OPENING
FIRST = (0.5, 1.2)
"""Seconds until somebody first blinks."""
PAUSE = (1.5, 2.6)
"""Seconds from one blink to the next, for a lively look; people at rest wait longer."""
DOUBLE = 0.2
"""How often a second blink follows at once."""


class Blink(Effect):
    needs = Need.EYES

    def prepare(self) -> None:
        random = self.stage.random("blink")
        pairs = [person.eyes for person in self.stage.reading.people if person.eyes]
        self.lids = [[Lid(self.stage.photo, eye) for eye in eyes] for eyes in pairs]
        self.starts = [tuple(self._draw_starts(random)) for _ in pairs]

    def retouch(self, moment: Moment, patches: list[Patch]) -> None:
        for starts, lids in zip(self.starts, self.lids, strict=True):
            share = max((_closed(moment.since(start)) for start in starts), default=0.0)
            if share > 0:
                patches.extend(lid.close(share) for lid in lids)

    def _draw_starts(self, random: np.random.Generator) -> Iterator[float]:
        """More often where it is asked for strongly; the eyes are open when the clip ends."""
        last = self.stage.seconds - 1.7 * WHOLE  # slowed down, too
        start = min(float(random.uniform(*FIRST)), 0.5 * last)
        while start <= last:
            yield start
            if random.random() < DOUBLE and start + 2.2 * WHOLE < last:
                yield start + 1.2 * WHOLE
            start += float(random.uniform(*PAUSE)) / self.strength


def _closed(second: float) -> float:
    """0..1, `second` after a blink began."""
    return ease(second / CLOSING) - ease((second - CLOSING - SHUT) / OPENING)
