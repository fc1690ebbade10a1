"""The gates that look at the photo, in order, and what they learn for the ones after them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.classifiers import picture_judges
from engine.classifiers import written as writing
from engine.classifiers.ages import AgeReader
from engine.classifiers.body_parts import BodyPartReader
from engine.classifiers.faces import FaceReader, FoundFace
from engine.classifiers.languages import LanguageGuesser
from engine.classifiers.nsfw import NudityScorer
from engine.classifiers.picture_judges import PictureJudge
from engine.classifiers.prompt_head import PromptHead
from engine.classifiers.sentences import SentenceEncoder
from engine.classifiers.written import TextReader
from engine.docket import Docket
from engine.errors import ConfigError
from engine.gates import Ruling, age, document, exposed, known, nudity, second_opinion, written
from engine.gates.known import KnownPictures
from engine.gates.written import Written
from engine.schema import Stage
from engine.verdicts import PhotoFacts

Pixels = NDArray[np.uint8]
T = TypeVar("T")


class PhotoSettings(Protocol):
    """The figures of `[policy]` that the photo's gates read."""

    @property
    def photo_models(self) -> Sequence[str]: ...
    @property
    def known_pictures(self) -> str: ...
    @property
    def young_below(self) -> float: ...
    @property
    def second_opinion_refuse(self) -> float: ...


@dataclass(frozen=True, slots=True)
class PhotoReaders:
    """What the photo's gates ask beside nudity and faces; None and empty where an operator does not have it."""

    ages: AgeReader | None = None
    text: TextReader | None = None
    parts: BodyPartReader | None = None
    known: KnownPictures = field(default_factory=lambda: KnownPictures.parse(()))
    judges: tuple[PictureJudge, ...] = ()

    @classmethod
    def load(cls, models: Path, settings: PhotoSettings, *, load: Loader) -> PhotoReaders:
        """`load` decides what a missing one means. Text is read wherever its package is installed."""
        asked = settings.photo_models
        wants_text = "text" in asked or writing.is_installed()
        return cls(
            ages=load(age.GATE, lambda: AgeReader.load(models)) if "ages" in asked else None,
            text=load(written.GATE, TextReader.load) if wants_text else None,
            parts=load(exposed.GATE, lambda: BodyPartReader.load(models)) if "nudenet" in asked else None,
            known=KnownPictures.load(Path(settings.known_pictures))
            if settings.known_pictures
            else KnownPictures.parse(()),
            judges=_load_judges([name for name in picture_judges.KINDS if name in asked], models, load),
        )


class Loader(Protocol):
    """Calls the second argument; the first says which gate is off without what it returns."""

    def __call__(self, gate: str, loader: Callable[[], T], /) -> T | None: ...


def _load_judges(names: Sequence[str], models: Path, load: Loader) -> tuple[PictureJudge, ...]:
    judges = [load(f"photo.{name}", partial(picture_judges.load_judge, name, models)) for name in names]
    return tuple(judge for judge in judges if judge is not None)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the photo, and what is written in it."""

    facts: PhotoFacts = field(default_factory=PhotoFacts)
    written: Written = field(default_factory=Written)


@dataclass(frozen=True, slots=True)
class PhotoStage:
    """Hears the gates of the photo alone; the matrix comes after it, with the caption."""

    readers: PhotoReaders
    nudity_scorer: NudityScorer | None
    face_reader: FaceReader | None
    guesser: LanguageGuesser
    encoder: SentenceEncoder | None
    head: PromptHead
    nsfw_refuse: float
    young_below: float
    second_opinion_refuse: float

    def hear(self, docket: Docket, pixels: Pixels, *, caption: str, locale: str) -> Seen:
        """The cheapest first; after a refusal nobody looks further, unless every gate shall speak."""
        docket.hear(Stage.PHOTO, known.GATE, lambda: known.refuse_known(pixels, self.readers.known))
        facts = PhotoFacts()
        if not docket.closed:
            facts = self._see_nudity(docket, pixels)
        if not docket.closed:
            self._ask_judges(docket, pixels, caption)
        if docket.closed:
            return Seen(facts)
        lines = self.readers.text.read(pixels) if self.readers.text else ()
        text = written.read_written(lines, locale=locale, guesser=self.guesser)
        if self.readers.text:
            docket.hear(
                Stage.PHOTO,
                written.GATE,
                lambda: written.refuse_written(text, encoder=self.encoder, head=self.head),
            )
        facts = msgspec.structs.replace(facts, written=text.joins, document=document.is_document(lines))
        return Seen(facts if docket.closed else self._see_people(docket, pixels, facts), text)

    def _see_nudity(self, docket: Docket, pixels: Pixels) -> PhotoFacts:
        facts = PhotoFacts()
        scorer, reader = self.nudity_scorer, self.readers.parts
        if scorer is not None:
            heard = docket.hear(
                Stage.PHOTO,
                nudity.GATE,
                lambda: nudity.refuse_nudity(scorer.score(pixels), refuse_at=self.nsfw_refuse),
            )
            facts = PhotoFacts(nsfw=heard.score)
        if reader is not None and not docket.closed:
            parts, mirrored = reader.read(pixels), reader.read(np.ascontiguousarray(pixels[:, ::-1]))
            docket.hear(
                Stage.PHOTO, exposed.GATE, lambda: exposed.refuse_exposed(parts, mirrored, nsfw=facts.nsfw)
            )
            facts = msgspec.structs.replace(facts, swimwear=exposed.shows_swimwear(parts))
        return facts

    def _ask_judges(self, docket: Docket, pixels: Pixels, caption: str) -> None:
        for judge in self.readers.judges:
            if not docket.closed:
                docket.hear(
                    Stage.PHOTO, f"photo.{judge.name}", partial(self._opinion, judge, pixels, caption)
                )

    def _opinion(self, judge: PictureJudge, pixels: Pixels, caption: str) -> Ruling:
        return second_opinion.refuse_opinions(
            judge.judge(pixels, caption), gate=f"photo.{judge.name}", refuse_at=self.second_opinion_refuse
        )

    def _see_people(self, docket: Docket, pixels: Pixels, facts: PhotoFacts) -> PhotoFacts:
        found: tuple[FoundFace, ...] = self.face_reader.find(pixels) if self.face_reader else ()
        facts = msgspec.structs.replace(facts, faces=tuple(face.face for face in found))
        reader = self.readers.ages
        if reader is None or not found:
            return facts
        ages = [reader.read(pixels, face) for face in found]
        group = age.youngest_group(ages, young_below=self.young_below)
        docket.hear(Stage.PHOTO, age.GATE, lambda: age.note_age(ages, group))
        return msgspec.structs.replace(facts, age=group)


def load_or_note(environment: str, missing: list[str]) -> Loader:
    """Outside development a missing weight stops the start; there its gate is noted as switched off."""

    def load(gate: str, loader: Callable[[], T], /) -> T | None:
        try:
            return loader()
        except ConfigError:
            if environment != "development":
                raise
            missing.append(gate)
            return None

    return load
