"""What may be made: which gates stand where, in which order, with which thresholds, and the photo × prompt matrix.

The page that a policy person reads beside `docs/policy.md`; a test holds the two together. `Judge` runs the gates
inside the gate child; whatever a gate raises goes up, because an unknown is never a yes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar, assert_never

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.classifiers.caption_head import CaptionHead
from engine.classifiers.faces import FaceReader, FoundFace
from engine.classifiers.languages import LanguageGuesser
from engine.classifiers.nsfw import NudityScorer
from engine.classifiers.prompt_head import Meaning, PromptHead
from engine.classifiers.sentences import SentenceEncoder
from engine.errors import ConfigError
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
from engine.gates.pair import Matrix, No, Ok, Presets, Row
from engine.gates.share import ShareFacts
from engine.prompts.hints import find_hints
from engine.schema import Reason, Stage
from engine.verdicts import (
    Allowed,
    Decision,
    Held,
    PhotoFacts,
    Refusal,
    Remake,
    RestrictedTo,
    Screened,
    Verdict,
)

POLICY_VERSION = "2026-11-27.2"
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
    Row.SUGGESTIVE: {
        Ask.GENTLE: _OK, Ask.FREE: _GENTLY, Ask.AFFECTION: _GENTLY, Ask.KISS: No(Reason.INTIMACY), Ask.ACTION: _GENTLY,
        Ask.SWIMWEAR: _OK, Ask.WEAPON: No(Reason.WEAPON), Ask.SPEECH: No(Reason.PUT_WORDS),
        Ask.SEXUAL: No(Reason.SEXUAL), Ask.HARM: No(Reason.VIOLENCE),
    },
    Row.PUBLIC_FIGURE: {
        Ask.GENTLE: _OK, Ask.FREE: _OK, Ask.AFFECTION: _FIGURE, Ask.KISS: _FIGURE, Ask.ACTION: _OK,
        Ask.SWIMWEAR: _FIGURE, Ask.WEAPON: _FIGURE, Ask.SPEECH: _FIGURE, Ask.SEXUAL: No(Reason.SEXUAL), Ask.HARM: _FIGURE,
    },
}  # fmt: skip
"""What the photo shows × what the caption asks for: the strictest cell wins, a text never overrules a photo."""


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


Pixels = NDArray[np.uint8]
T = TypeVar("T")


@dataclass(slots=True)
class _Docket:
    """The decisions of one place, as they fall; `refused` is the first refusal."""

    decisions: list[Decision] = field(default_factory=list)

    def hear(self, stage: Stage, gate: str, rule: Callable[[], Ruling]) -> Ruling:
        started = time.perf_counter()
        ruling = rule()
        took = (time.perf_counter() - started) * 1000
        self.decisions.append(
            Decision(
                stage=stage,
                gate=gate,
                verdict=ruling.verdict,
                score=ruling.score,
                policy_version=POLICY_VERSION,
                milliseconds=took,
            )
        )
        return ruling

    @property
    def refused(self) -> bool:
        return any(isinstance(decision.verdict, Refusal) for decision in self.decisions)

    def close(self, facts: PhotoFacts) -> Screened:
        verdicts = [decision.verdict for decision in self.decisions]
        strictest = max(verdicts, key=_strictness, default=Allowed())
        return Screened(verdict=strictest, decisions=tuple(self.decisions), facts=facts)


def _strictness(verdict: Verdict) -> int:
    match verdict:
        case Allowed():
            return 0
        case RestrictedTo():
            return 1
        case Held():
            return 2
        case Remake():
            return 3
        case Refusal():
            return 4
    assert_never(verdict)


@dataclass(frozen=True, slots=True)
class Judge:
    """The gates with their classifiers, loaded once in the gate child. Not for two threads at once.

    A classifier is None only in development, where its weights may be missing; `switched_off` names it.
    """

    settings: Thresholds
    guesser: LanguageGuesser
    encoder: SentenceEncoder | None
    head: PromptHead
    caption_head: CaptionHead
    nudity_scorer: NudityScorer | None
    face_reader: FaceReader | None
    switched_off: tuple[str, ...] = ()
    policy_version: str = POLICY_VERSION

    @classmethod
    def load(cls, models: Path, settings: Thresholds, *, environment: str = "production") -> Judge:
        """Raises ConfigError when weights are missing, except in development. `models` holds optional ones."""
        del (
            models
        )  # the default classifiers ship inside packages; the optional ones of a later policy lie there
        missing: list[str] = []
        return cls(
            settings=settings,
            guesser=LanguageGuesser(),
            encoder=_load(meaning.GATE, SentenceEncoder.load, environment, missing),
            head=PromptHead.load(),
            caption_head=CaptionHead.load(),
            nudity_scorer=_load(nudity.GATE, NudityScorer.load, environment, missing),
            face_reader=_load(strangers.GATE, FaceReader.load, environment, missing),
            switched_off=tuple(missing),
        )

    def request(
        self, *, prompt: str, locale: str, look: str | None, attested: bool, pixels: Pixels
    ) -> Screened:
        """Prompt, photo and both together. A `look` replaces the prompt; it never opens a refused photo.

        `attested` is recorded with the job and decides nothing here: no cell is opened by a sender's word.
        """
        del attested
        docket = _Docket()
        reading = Reading(rules=_gentle_rules()) if look else self._hear_prompt(docket, prompt, locale)
        if docket.refused:
            return docket.close(PhotoFacts())
        screened = self._hear_photo(docket, reading, pixels)
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
        docket = _Docket()
        self._hear_prompt(docket, prompt, locale)
        return docket.close(PhotoFacts())

    def explain(self, *, prompt: str, locale: str, pixels: Pixels) -> Screened:
        """Like `request`, but every gate speaks, also after a refusal. For `policy explain` and reviewers."""
        docket = _Docket()
        return self._hear_photo(
            docket, self._hear_prompt(docket, prompt, locale, every=True), pixels, every=True
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

        `frames` are 8 to 12 samples in order, the first and the last among them; `luminance` is
        (all frames, rows, columns), linear 0..1.
        """
        docket = _Docket()
        for gate, rule in self._clip_gates(frames, luminance, frames_per_second, pixels, facts):
            docket.hear(Stage.CLIP, gate, lambda rule=rule: _after_remake(rule(), remade=remade))  # type: ignore[misc]
        return docket.close(facts)

    def share(self, facts: ShareFacts) -> Screened:
        """Before a group sees it. Facts only."""
        return judge_share(facts)

    # --- prompt ---------------------------------------------------------------------------------------

    def _hear_prompt(self, docket: _Docket, prompt: str, locale: str, *, every: bool = False) -> Reading:
        if not prompt.strip():  # the default motion: weather, light and camera
            return Reading(rules=_gentle_rules())
        caption = read_caption(prompt, locale=locale, guesser=self.guesser)
        reading = read_concepts(caption)
        sense = self._read_meaning(caption, reading)
        if sense is not None:
            reading = meaning.uphold(reading, sense, self.head)
        for gate, rule in self._prompt_gates(caption, reading, sense):
            docket.hear(Stage.PROMPT, gate, rule)
            if docket.refused and not every:
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
        self, docket: _Docket, reading: Reading, pixels: Pixels, *, every: bool = False
    ) -> Screened:
        score = self._hear_nudity(docket, pixels)
        if docket.refused and not every:
            return docket.close(PhotoFacts(nsfw=score))
        found = self.face_reader.find(pixels) if self.face_reader else ()
        facts = PhotoFacts(faces=tuple(f.face for f in found), nsfw=score)
        rows = rows_of(facts, reading, restrict_at=self.settings.nsfw_restrict)
        docket.hear(
            Stage.PHOTO,
            pair.GATE,
            lambda: pair.judge_pair(rows, reading.asks, matrix=MATRIX, presets=CALM_PRESETS),
        )
        return docket.close(facts)

    def _hear_nudity(self, docket: _Docket, pixels: Pixels) -> float:
        scorer = self.nudity_scorer
        if scorer is None:
            return 0.0
        refuse_at = self.settings.nsfw_refuse
        return docket.hear(
            Stage.PHOTO, nudity.GATE, lambda: nudity.refuse_nudity(scorer.score(pixels), refuse_at=refuse_at)
        ).score

    # --- clip -------------------------------------------------------------------------------------------

    def _clip_gates(
        self,
        frames: Sequence[Pixels],
        luminance: NDArray[np.float32],
        frames_per_second: float,
        pixels: Pixels,
        facts: PhotoFacts,
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
                lambda: strangers.remake_stranger(
                    _photo_vectors(reader, pixels),
                    [_frame_vectors(reader, frame) for frame in frames],
                    match=self.settings.face_match,
                    stranger_below=self.settings.stranger_below,
                ),
            )


def judge_share(facts: ShareFacts) -> Screened:
    """The share gate without a `Judge`: it asks no model."""
    docket = _Docket()
    docket.hear(Stage.SHARE, share.GATE, lambda: share.refuse_share(facts, policy_version=POLICY_VERSION))
    return docket.close(PhotoFacts())


def rows_of(facts: PhotoFacts, reading: Reading, *, restrict_at: float) -> tuple[Row, ...]:
    """Every row that applies, in the order in which reasons are preferred. A caption can only add rows."""
    people = (Row.NOBODY, Row.ONE, Row.SEVERAL)[min(len(facts.faces), 2)]
    suggestive_at = restrict_at if facts.faces else max(restrict_at, NO_FACE_NSFW)
    return (
        *((Row.CHILD,) if "child" in reading.marks else ()),
        *((Row.PUBLIC_FIGURE,) if "public_figure" in reading.marks else ()),
        *((Row.SUGGESTIVE,) if facts.nsfw >= suggestive_at else ()),
        people,
    )


def _gentle_rules() -> tuple[concepts.Rule, ...]:
    """A preset motion asks for weather, light and camera only."""
    return tuple(rule for rule in concepts.load_rules().rule if rule.concept == "gentle")


def _after_remake(ruling: Ruling, *, remade: bool) -> Ruling:
    verdict = ruling.verdict
    if remade and isinstance(verdict, Remake):
        return Ruling(Refusal(reason=verdict.reason, gate=verdict.gate, score=verdict.score), ruling.score)
    return ruling


def _photo_vectors(reader: FaceReader, pixels: Pixels) -> strangers.Vectors:
    """Every face of the photo counts, small and doubtful ones too: a zoom may make them large."""
    return _vectors(reader, pixels, reader.find_closely(pixels))


def _frame_vectors(reader: FaceReader, frame: Pixels) -> strangers.Vectors:
    found = [
        f
        for f in reader.find(frame)
        if f.face.score >= strangers.LEAST_SCORE
        and min(f.face.width, f.face.height) >= strangers.LEAST_SIDE_PIXELS
    ]
    return _vectors(reader, frame, found)


def _vectors(reader: FaceReader, pixels: Pixels, found: Sequence[FoundFace]) -> strangers.Vectors:
    if not found:
        return np.zeros((0, 128), dtype=np.float32)
    return np.stack([reader.embed(pixels, face) for face in found])


def _load(gate: str, loader: Callable[[], T], environment: str, missing: list[str]) -> T | None:
    try:
        return loader()
    except ConfigError:
        if environment != "development":
            raise
        missing.append(gate)
        return None
