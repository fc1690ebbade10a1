"""The word tables: one TOML file a language, read into frozen values."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

FOLDER = Path(__file__).with_name("lexicon")

Words = tuple[str, ...]


class _Modifiers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    weak: Words
    strong: Words
    slow: Words
    fast: Words


class _Grammar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`but` ends a negation, `and` may carry it on, `or` does; `small` words do not count as a distance.

    `negation_within` are single words that name a thing as missing ("snowless", "karsız"), `affirming` are phrases that
    only look like a negation ("not only"), `except` takes one thing out of what is said of all. `attached_and` begins a word that it joins on (Arabic و).
    `reach` and `reach_after` are how many words may stand between a negation and what it negates.
    """

    negation: Words
    but: Words
    and_: Words = msgspec.field(name="and")
    or_: Words = msgspec.field(name="or")
    small: Words
    except_: Words = msgspec.field(name="except")
    negation_after: Words = ()
    negation_within: Words = ()
    affirming: Words = ()
    attached_and: Words = ()
    reach: int = 3
    reach_after: int = 1


class _Sound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`words` ask for sound, `mute` for none; `heard` are things that are heard, by the code of their sound."""

    words: Words
    mute: Words
    heard: dict[str, Words] = {}


class _Loop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    words: Words


class _Impossible(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`acts` are quoted with their clause, `flights` only where no effect flies ("petals fly"), `changes` only where
    nothing in their clause could be followed ("add snow" can be, "add a dragon" cannot), `vanishings` only where
    nothing in it hides ("disappears in the fog").
    """

    acts: Words
    changes: Words
    flights: Words = ()
    vanishings: Words = ()


class _Toward(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a camera moves to, by the code of the move: read only in a clause with one of the `nouns` ("camera")."""

    nouns: Words
    tilt_up: Words
    tilt_down: Words
    pan_left: Words
    pan_right: Words
    push_in: Words
    pull_out: Words
    orbit: Words


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file. `decoys` hold a word of the tables and mean something else ("Snow White"); `clitics` are written
    before a word without a space (Arabic ال); `gap` is how many words `..` stands for. `windblown` (hair, a scarf) moves
    where wind is asked for.
    """

    language: str
    common: Words
    effects: dict[str, Words]
    camera: dict[str, Words]
    modifiers: _Modifiers
    grammar: _Grammar
    sound: _Sound
    loop: _Loop
    impossible: _Impossible
    toward: _Toward
    windblown: Words
    decoys: Words = ()
    clitics: Words = ()
    gap: int = 3

    def entries(self) -> Iterator[tuple[str, str, str]]:
        """(kind, code, entry) of everything that a caption is searched for."""
        for kind, codes in self._kinds().items():
            for code, entries in codes.items():
                for entry in entries:
                    yield kind, code, entry

    def _kinds(self) -> Mapping[str, Mapping[str, Words]]:
        words, grammar = self.modifiers, self.grammar
        return {
            "effect": self.effects,
            "camera": self.camera,
            "strength": {"weak": words.weak, "strong": words.strong},
            "speed": {"slow": words.slow, "fast": words.fast},
            "negation": {
                "before": grammar.negation,
                "within": grammar.negation_within,
                "affirming": grammar.affirming,
            },
            "negation_after": {"after": grammar.negation_after, "affirming": grammar.affirming},
            "joint": {
                "but": grammar.but,
                "and": grammar.and_,
                "or": grammar.or_,
                "except": grammar.except_,
                "attached": tuple(f"{letter}*" for letter in grammar.attached_and),
            },
            "small": {"small": grammar.small},
            "sound": {"sound": self.sound.words, "mute": self.sound.mute},
            "heard": self.sound.heard,
            "loop": {"loop": self.loop.words},
            "impossible": {
                "act": self.impossible.acts,
                "flight": self.impossible.flights,
                "change": self.impossible.changes,
                "vanishing": self.impossible.vanishings,
            },
            "toward": {field: getattr(self.toward, field) for field in self.toward.__struct_fields__},
            "windblown": {"windblown": self.windblown},
            "decoy": {"decoy": self.decoys},
        }


def read_table(path: Path) -> Table:
    """Raises msgspec.ValidationError where a table lacks a part or has one too many."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), type=Table)
