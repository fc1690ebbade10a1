"""What may be made: which gates stand where, in which order, with which thresholds, and the photo × prompt matrix.

The page that a policy person reads beside `docs/policy.md`; a test holds the two together. `Judge` runs the gates
inside the gate child; whatever a gate raises goes up, because an unknown is never a yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.classifiers.caption_head import CaptionHead
from engine.classifiers.faces import FaceReader
from engine.classifiers.languages import LanguageGuesser
from engine.classifiers.nsfw import NudityScorer
from engine.classifiers.prompt_head import Meaning, PromptHead
from engine.classifiers.sentences import SentenceEncoder
from engine.docket import Docket
from engine.gates import (
    Ruling,
    concepts,
    exposure,
    flashing,
    meaning,
    nudity,
    pair,
    share,
    spelled_out,
    understood,
)
from engine.gates import stranger as strangers
from engine.gates.caption import Caption, read_caption
from engine.gates.concepts import Ask, Reading, read_concepts
from engine.gates.pair import Cell, Matrix, No, Ok, Presets, Row, strictest
from engine.gates.share import ShareFacts
from engine.photo_stage import PhotoReaders, PhotoSettings, PhotoStage, load_or_note
from engine.prompts.hints import find_hints
from engine.schema import Profile, Reason, Stage
from engine.verdicts import AgeGroup, Allowed, PhotoFacts, Refusal, Remake, Screened

POLICY_VERSION = "2026-11-27.6"
"""Changes with every change of a rule, a table, a threshold or a model; older clips are checked again."""

CALM_PRESETS = ("gentle_zoom", "snow", "golden_hour", "fog")
"""Motions of weather, light and camera that suit every photo that is not refused."""

NO_FACE_NSFW = 0.5
"""Where no face is found, the swimwear row begins here: a blank grey card scores .21, a colour gradient more."""

_OK = Ok()
_GENTLY = Presets(Reason.SEXUAL)
_CHILD = No(Reason.MINOR_SAFETY)
_FIGURE = No(Reason.PUBLIC_FIGURE)

MATRIX: Matrix = {
    Row.NOBODY: {
        Ask.GENTLE: _OK, Ask.FREE: _OK, Ask.AFFECTION: _OK, Ask.KISS: _OK, Ask.ACTION: _OK,
        Ask.SWIMWEAR: _OK, Ask.WEAPON: _OK, Ask.SPEECH: _OK,
        Ask.SEXUAL: No(Reason.SEXUAL), Ask.HARM: No(Reason.VIOLENCE),
    },
    Row.ONE: {
        Ask.GENTLE: _OK, Ask.FREE: _OK, Ask.AFFECTION: _OK, Ask.KISS: Presets(Reason.INTIMACY), Ask.ACTION: _OK,
        Ask.SWIMWEAR: _OK, Ask.WEAPON: _OK, Ask.SPEECH: No(Reason.PUT_WORDS),
        Ask.SEXUAL: No(Reason.SEXUAL), Ask.HARM: No(Reason.VIOLENCE),
    },
    Row.SEVERAL: {
        Ask.GENTLE: _OK, Ask.FREE: _OK, Ask.AFFECTION: _OK, Ask.KISS: No(Reason.INTIMACY), Ask.ACTION: _OK,
        Ask.SWIMWEAR: _OK, Ask.WEAPON: _OK, Ask.SPEECH: No(Reason.PUT_WORDS),
        Ask.SEXUAL: No(Reason.SEXUAL), Ask.HARM: No(Reason.VIOLENCE),
    },
    Row.CHILD: {
        Ask.GENTLE: _OK, Ask.FREE: _OK, Ask.AFFECTION: _OK, Ask.KISS: _CHILD, Ask.ACTION: _OK,
        Ask.SWIMWEAR: Presets(Reason.MINOR_SAFETY), Ask.WEAPON: _CHILD, Ask.SPEECH: No(Reason.PUT_WORDS),
        Ask.SEXUAL: No(Reason.SEXUAL_MINOR), Ask.HARM: _CHILD,
    },
    Row.YOUNG: {
        Ask.GENTLE: _OK, Ask.FREE: _OK, Ask.AFFECTION: _OK, Ask.KISS: _CHILD, Ask.ACTION: _OK,
        Ask.SWIMWEAR: Presets(Reason.MINOR_SAFETY), Ask.WEAPON: _CHILD, Ask.SPEECH: No(Reason.PUT_WORDS),
        Ask.SEXUAL: No(Reason.SEXUAL), Ask.HARM: No(Reason.VIOLENCE),
    },
    Row.SUGGESTIVE: {
        Ask.GENTLE: _OK, Ask.FREE: _GENTLY, Ask.AFFECTION: _GENTLY, Ask.KISS: No(Reason.INTIMACY), Ask.ACTION: _GENTLY,
        Ask.SWIMWEAR: _OK, Ask.WEAPON: No(Reason.WEAPON), Ask.SPEECH: No(Reason.PUT_WORDS),
        Ask.SEXUAL: No(Reason.SEXUAL), Ask.HARM: No(Reason.VIOLENCE),
    },
    Row.PUBLIC_FIGURE: {
        Ask.GENTLE: _OK, Ask.FREE: _OK, Ask.AFFECTION: _FIGURE, Ask.KISS: _FIGURE, Ask.ACTION: _OK,
        Ask.SWIMWEAR: _FIGURE, Ask.WEAPON: _FIGURE, Ask.SPEECH: _FIGURE, Ask.SEXUAL: No(Reason.SEXUAL), Ask.HARM: _FIGURE,
    },
    Row.DOCUMENT: dict.fromkeys(Ask, No(Reason.PRIVATE_DATA)),
    Row.WRITTEN: {
        Ask.GENTLE: _OK, Ask.FREE: _OK, Ask.AFFECTION: _OK, Ask.KISS: _OK, Ask.ACTION: _OK,
        Ask.SWIMWEAR: _OK, Ask.WEAPON: _OK, Ask.SPEECH: _OK,
        Ask.SEXUAL: No(Reason.SEXUAL), Ask.HARM: No(Reason.VIOLENCE),
    },
}  # fmt: skip
"""What the photo shows × what the caption asks for: the strictest cell wins, a text never overrules a photo."""

STRICTER: Mapping[Row, Mapping[Ask, Cell]] = {
    **{
        row: {Ask.KISS: No(Reason.INTIMACY), Ask.SWIMWEAR: _GENTLY, Ask.WEAPON: No(Reason.WEAPON)}
        for row in (Row.ONE, Row.SEVERAL, Row.YOUNG)
    },
    Row.NOBODY: {Ask.WEAPON: No(Reason.WEAPON)},
    Row.CHILD: {
        Ask.FREE: Presets(Reason.MINOR_SAFETY),
        Ask.ACTION: Presets(Reason.MINOR_SAFETY),
        Ask.SWIMWEAR: _CHILD,
    },
    Row.SUGGESTIVE: {ask: No(Reason.SEXUAL) for ask in Ask if ask is not Ask.GENTLE},
    Row.PUBLIC_FIGURE: {ask: _FIGURE for ask in Ask if ask not in {Ask.GENTLE, Ask.SEXUAL}},
}
"""What the strict profile adds, for groups that want it calmer."""

MATRICES: Mapping[Profile, Matrix] = {
    Profile.STANDARD: MATRIX,
    Profile.STRICT: {
        row: {ask: strictest(cell, STRICTER.get(row, {}).get(ask, _OK)) for ask, cell in cells.items()}
        for row, cells in MATRIX.items()
    },
}

STRICT_NSFW_REFUSE = 0.5
"""The strict profile refuses photos from here on; the operator's own threshold may be lower."""


class Thresholds(Protocol):
    """The figures of `[policy]` in the configuration that this page reads."""

    @property
    def nsfw_refuse(self) -> float: ...
    @property
    def nsfw_restrict(self) -> float: ...
    @property
    def face_match(self) -> float: ...
    @property
    def stranger_below(self) -> float: ...


class PolicySettings(Thresholds, PhotoSettings, Protocol):
    """All of `[policy]`."""

    @property
    def profile(self) -> Profile: ...


Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Judge:
    """The gates with their classifiers, loaded once in the gate child. Not for two threads at once.

    A classifier is None only in development, where its weights may be missing; `switched_off` names it.
    """

    settings: PolicySettings
    guesser: LanguageGuesser
    encoder: SentenceEncoder | None
    head: PromptHead
    caption_head: CaptionHead
    nudity_scorer: NudityScorer | None
    face_reader: FaceReader | None
    photo_readers: PhotoReaders = field(default_factory=PhotoReaders)
    switched_off: tuple[str, ...] = ()
    policy_version: str = POLICY_VERSION

    @classmethod
    def load(cls, models: Path, settings: PolicySettings, *, environment: str = "production") -> Judge:
        """Raises ConfigError when weights are missing, except in development. `models` holds fetched ones."""
        missing: list[str] = []
        load = load_or_note(environment, missing)
        return cls(
            settings=settings,
            guesser=LanguageGuesser(),
            encoder=load(meaning.GATE, SentenceEncoder.load),
            head=PromptHead.load(),
            caption_head=CaptionHead.load(),
            nudity_scorer=load(nudity.GATE, NudityScorer.load),
            face_reader=load(strangers.GATE, FaceReader.load),
            photo_readers=PhotoReaders.load(models, settings, load=load),
            switched_off=tuple(missing),
        )

    def request(
        self,
        *,
        prompt: str,
        locale: str,
        look: str | None,
        attested: bool,
        pixels: Pixels,
        profile: Profile = Profile.STANDARD,
    ) -> Screened:
        """Prompt, photo and both together. A `look` replaces the prompt; it never opens a refused photo.

        `attested` is recorded with the job and decides nothing here: no cell is opened by a sender's word.
        """
        del attested
        docket = Docket(POLICY_VERSION)
        reading = Reading(rules=_gentle_rules()) if look else self._hear_prompt(docket, prompt, locale)
        if docket.closed:
            return docket.close(PhotoFacts())
        screened = self._hear_photo(docket, reading, pixels, prompt, locale, profile)
        if look or not isinstance(screened.verdict, Allowed):
            return screened
        return self._with_hints(screened, prompt, locale)

    def _with_hints(self, screened: Screened, prompt: str, locale: str) -> Screened:
        """What a clip will follow of the caption; no gate looks at it, for the caption itself was judged."""
        caption = read_caption(prompt, locale=locale, guesser=self.guesser)
        if self.encoder is None or not caption.words or understood.is_foreign(caption):
            return screened
        hints = find_hints(prompt, locale=locale, encoder=self.encoder, head=self.caption_head)
        facts = msgspec.structs.replace(screened.facts, hints=hints)
        return msgspec.structs.replace(screened, facts=facts)

    def caption(self, *, prompt: str, locale: str) -> Screened:
        """The prompt gates alone, for benches and for captions whose photo is not there yet."""
        docket = Docket(POLICY_VERSION)
        self._hear_prompt(docket, prompt, locale)
        return docket.close(PhotoFacts())

    def explain(
        self, *, prompt: str, locale: str, pixels: Pixels, profile: Profile = Profile.STANDARD
    ) -> Screened:
        """Like `request`, but every gate speaks, also after a refusal. For `policy explain` and reviewers."""
        docket = Docket(POLICY_VERSION, every=True)
        return self._hear_photo(
            docket, self._hear_prompt(docket, prompt, locale), pixels, prompt, locale, profile
        )

    def clip(
        self,
        *,
        frames: Sequence[Pixels],
        luminance: NDArray[np.float32],
        frames_per_second: float,
        pixels: Pixels,
        facts: PhotoFacts,
        remade: bool = False,
    ) -> Screened:
        """The finished clip against its photo. What failed is remade once; `remade` turns that into a refusal.

        `frames` are 8 to 14 samples in order, the first and the last among them; `luminance` is
        (all frames, rows, columns), linear 0..1.
        """
        docket = Docket(POLICY_VERSION)
        for gate, rule in self._clip_gates(
            frames, luminance, frames_per_second, pixels, facts, remade=remade
        ):
            docket.hear(Stage.CLIP, gate, lambda rule=rule: _after_remake(rule(), remade=remade))  # type: ignore[misc]
        return docket.close(facts)

    def share(self, facts: ShareFacts) -> Screened:
        """Before a group sees it. Facts only."""
        return judge_share(facts)

    # --- prompt ---------------------------------------------------------------------------------------

    def _hear_prompt(self, docket: Docket, prompt: str, locale: str) -> Reading:
        if not prompt.strip():  # the default motion: weather, light and camera
            return Reading(rules=_gentle_rules())
        caption = read_caption(prompt, locale=locale, guesser=self.guesser)
        reading = read_concepts(caption)
        sense = self._read_meaning(caption, reading)
        if sense is not None:
            reading = meaning.uphold(reading, sense, self.head)
        for gate, rule in self._prompt_gates(caption, reading, sense):
            docket.hear(Stage.PROMPT, gate, rule)
            if docket.closed:
                break
        return reading

    def _read_meaning(self, caption: Caption, reading: Reading) -> Meaning | None:
        """None where the encoder cannot read the caption; then the rules stand alone."""
        unread = understood.is_foreign(caption) or understood.is_meaningless(caption, reading)
        if self.encoder is None or not caption.words or unread:
            return None
        return meaning.read_meaning(caption, reading, encoder=self.encoder, head=self.head)

    def _prompt_gates(
        self, caption: Caption, reading: Reading, sense: Meaning | None
    ) -> Iterator[tuple[str, Callable[[], Ruling]]]:
        yield spelled_out.GATE, lambda: spelled_out.refuse_spelled_out(caption)
        yield concepts.GATE, lambda: concepts.refuse_concepts(reading)
        yield understood.GATE, lambda: understood.restrict_unknown(caption, reading, presets=CALM_PRESETS)
        if sense is not None:
            yield (
                meaning.GATE,
                lambda: meaning.judge_meaning(sense, reading, head=self.head, presets=CALM_PRESETS),
            )

    # --- photo, and both together -----------------------------------------------------------------------

    def _hear_photo(
        self,
        docket: Docket,
        reading: Reading,
        pixels: Pixels,
        prompt: str,
        locale: str,
        profile: Profile,
    ) -> Screened:
        strict = Profile.STRICT in {profile, self.settings.profile}
        seen = self._photo_stage(strict=strict).hear(docket, pixels, caption=prompt, locale=locale)
        if docket.closed:
            return docket.close(seen.facts)
        rows = rows_of(seen.facts, reading, restrict_at=self.settings.nsfw_restrict)
        asks = reading.asks | (seen.written.reading.asks if seen.written.joins else frozenset())
        by_profile = {
            kind: pair.judge_pair(rows, asks, matrix=matrix, presets=CALM_PRESETS)
            for kind, matrix in MATRICES.items()
        }
        docket.hear(
            Stage.PHOTO, pair.GATE, lambda: by_profile[Profile.STRICT if strict else Profile.STANDARD]
        )
        return docket.close(_suiting(seen.facts, by_profile[Profile.STRICT]))

    def _photo_stage(self, *, strict: bool) -> PhotoStage:
        settings = self.settings
        return PhotoStage(
            readers=self.photo_readers,
            nudity_scorer=self.nudity_scorer,
            face_reader=self.face_reader,
            guesser=self.guesser,
            encoder=self.encoder,
            head=self.head,
            nsfw_refuse=min(settings.nsfw_refuse, STRICT_NSFW_REFUSE) if strict else settings.nsfw_refuse,
            young_below=settings.young_below,
            second_opinion_refuse=settings.second_opinion_refuse,
        )

    # --- clip -------------------------------------------------------------------------------------------

    def _clip_gates(
        self,
        frames: Sequence[Pixels],
        luminance: NDArray[np.float32],
        frames_per_second: float,
        pixels: Pixels,
        facts: PhotoFacts,
        *,
        remade: bool,
    ) -> Iterator[tuple[str, Callable[[], Ruling]]]:
        yield flashing.GATE, lambda: flashing.remake_flashing(luminance, frames_per_second=frames_per_second)
        scorer, reader = self.nudity_scorer, self.face_reader
        if scorer is not None:
            yield (
                exposure.GATE,
                lambda: exposure.remake_exposure(scorer.scores(frames), photo_score=facts.nsfw),
            )
        if reader is not None:
            yield (
                strangers.GATE,
                lambda: strangers.look_twice(
                    reader,
                    pixels,
                    frames,
                    match=self.settings.face_match,
                    stranger_below=self.settings.stranger_below,
                    remade=remade,
                ),
            )


def judge_share(facts: ShareFacts) -> Screened:
    """The share gate without a `Judge`: it asks no model."""
    docket = Docket(POLICY_VERSION)
    docket.hear(Stage.SHARE, share.GATE, lambda: share.refuse_share(facts, policy_version=POLICY_VERSION))
    return docket.close(PhotoFacts())


def rows_of(facts: PhotoFacts, reading: Reading, *, restrict_at: float) -> tuple[Row, ...]:
    """Every row that applies, in the order in which reasons are preferred. A caption can only add rows."""
    people = (Row.NOBODY, Row.ONE, Row.SEVERAL)[min(len(facts.faces), 2)]
    suggestive_at = restrict_at if facts.faces else max(restrict_at, NO_FACE_NSFW)
    holds = {
        Row.DOCUMENT: facts.document,
        Row.CHILD: facts.age is AgeGroup.CHILD or "child" in reading.marks,
        Row.PUBLIC_FIGURE: "public_figure" in reading.marks,
        Row.SUGGESTIVE: facts.swimwear or facts.nsfw >= suggestive_at,
        Row.YOUNG: facts.age is AgeGroup.YOUNG,
        Row.WRITTEN: facts.written,
    }
    return (*(row for row, applies in holds.items() if applies), people)


def _suiting(facts: PhotoFacts, strict: Ruling) -> PhotoFacts:
    """Kept with the job: a clip that is shared into a strict group later is not judged by its caption again."""
    suits = isinstance(strict.verdict, Allowed) and facts.nsfw < STRICT_NSFW_REFUSE
    return msgspec.structs.replace(facts, suits_strict=suits)


def _gentle_rules() -> tuple[concepts.Rule, ...]:
    """A preset motion asks for weather, light and camera only."""
    return tuple(rule for rule in concepts.load_rules().rule if rule.concept == "gentle")


def _after_remake(ruling: Ruling, *, remade: bool) -> Ruling:
    verdict = ruling.verdict
    if remade and isinstance(verdict, Remake):
        return Ruling(Refusal(reason=verdict.reason, gate=verdict.gate, score=verdict.score), ruling.score)
    return ruling
