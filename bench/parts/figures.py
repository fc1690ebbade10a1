"""One line of a bench: what was measured, and whether it is as good as was aimed at."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`at_least`: the goal is a floor, not a ceiling. `skipped` says why there is no value."""

    name: str
    value: float | None
    unit: str
    goal: float | None = None
    at_least: bool = False
    skipped: str | None = None

    @property
    def met(self) -> bool | None:
        if self.goal is None or self.value is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal


def show(figure: Figure, *, as_json: bool) -> None:
    """Print it, as a row or as an object."""
    if as_json:
        value = None if figure.value is None else round(figure.value, 4)
        line = {
            "name": figure.name,
            "value": value,
            "unit": figure.unit,
            "goal": figure.goal,
            "met": figure.met,
        }
        print(json.dumps(line | ({"skipped": figure.skipped} if figure.skipped else {})))
        return
    if figure.value is None:
        print(f"{figure.name:<36} skipped: {figure.skipped}")
        return
    mark = {True: "met", False: "MISSED", None: ""}[figure.met]
    goal = "" if figure.goal is None else f"goal {figure.goal:g}"
    print(f"{figure.name:<36} {figure.value:>10.2f} {figure.unit:<8} {goal:<10} {mark}")
