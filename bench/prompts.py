#!/usr/bin/env python3
"""How well captions are read: precision, recall and negation in each language, over sets that were tuned to and blind ones.

    bench/prompts.py [--quick] [--set blind|tuned|confirm] [--language de] [--tables] [--show] [--json]

Read as a job's caption is: tables first, then the sentence encoder for the clauses that they leave unread, in the languages
that it knows. `--tables` goes without the encoder.

A line of `bench/captions/directions/<language>.tsv` is: set, caption, what it asks for. `snow` is an effect, `@pan_left` a
camera move, `!` something that cannot be done, `mute`, `loop`, `sound` and `sound:rain` what they say; `-snow` is refused and
`-camera` any movement of it; `?snow` may be found or not.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.classifiers.caption_head import CaptionHead
from engine.classifiers.sentences import LANGUAGES, SentenceEncoder
from engine.prompts.directions import Directions
from engine.prompts.hints import find_hints
from engine.prompts.parse import parse_prompt

FOLDER = Path(__file__).with_name("captions") / "directions"
GOALS = {"precision": 0.97, "recall": 0.92, "negation": 0.95}
GOAL_MS = 3.0
HOSTILE = {
    "one word": "snow ", "one letter": "a ", "all words": "no snow and rain or fog without wind ", "han": "不要雪下雨云",
    "kana": "ゆきカメラを", "stars": "***..* ", "hangul": "눈이 내리지 ", "arabic": "والثلج لا ", "camera": "camera the ",
    "hindi": "बर्फ नहीं ", "marks": "d'l'",
}  # fmt: skip


@dataclass(slots=True)
class Score:
    """Counts of one language. `misread` holds (caption, missed, wrong)."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    captions: int = 0
    exact: int = 0
    negations: int = 0
    negated: int = 0
    misread: list[tuple[str, set[str], set[str]]] = field(default_factory=list)

    @property
    def shares(self) -> dict[str, float]:
        return {
            "precision": self.right / max(1, self.right + self.wrong),
            "recall": self.right / max(1, self.right + self.missed),
            "exact": self.exact / max(1, self.captions),
            "negation": self.negated / max(1, self.negations),
        }

    def add(self, caption: str, asked: list[str], *, hints: Sequence[str] = ()) -> None:
        directions = parse_prompt(caption, locale="", hints=hints)
        found = set(say(directions))
        maybe = {code[1:] for code in asked if code.startswith("?")}
        refused = {code[1:] for code in asked if code.startswith("-")}
        wanted = {code for code in asked if code[0] not in "?-"}
        missed, wrong = wanted - found, found - wanted - maybe
        self.captions += 1
        self.right += len(wanted & found)
        self.wrong += len(wrong)
        self.missed += len(missed)
        obeyed = obeys(directions, refused) and not wanted & set(directions.refused)
        if refused:
            self.negations += 1
            self.negated += obeyed
        self.exact += not missed and not wrong and obeyed
        if missed or wrong or not obeyed:
            self.misread.append((caption, missed | (set() if obeyed else {"negation"}), wrong))


def say(directions: Directions) -> Iterator[str]:
    """What was read, in the codes of the sets."""
    yield from (wish.effect for wish in directions.wishes)
    if directions.camera:
        yield f"@{directions.camera}"
    if directions.impossible:
        yield "!"
    if directions.loop:
        yield "loop"
    if directions.sound is False:
        yield "mute"
    yield from (f"sound:{code}" for code in directions.sounds)


def obeys(directions: Directions, refused: set[str]) -> bool:
    """Nothing that is refused is done, and it is known to be refused."""
    done = {wish.effect for wish in directions.wishes} | {directions.camera}
    if "camera" in refused:
        return directions.camera == "static"
    return not refused & done and refused <= {*directions.refused}


def read_sets(language: str) -> Iterator[tuple[str, str, list[str]]]:
    for line in (FOLDER / f"{language}.tsv").read_text(encoding="utf-8").splitlines():
        name, caption, asked = line.split("\t")
        yield name, caption, asked.split()


def measure_ms() -> dict[str, float]:
    """Median CPU time for one caption: the longest of the sets, and hostile ones of 1,024 characters."""
    honest = [caption for path in sorted(FOLDER.glob("*.tsv")) for _, caption, _ in read_sets(path.stem)]
    times = {"honest, median": statistics.median(_milliseconds(caption, rounds=1) for caption in honest)}
    for name, unit in HOSTILE.items():
        times[f"hostile, {name}"] = _milliseconds((unit * 1024)[:1024], rounds=5)
    return times


def _milliseconds(caption: str, *, rounds: int) -> float:
    spent = []
    for _ in range(rounds):
        started = time.process_time()
        parse_prompt(caption, locale="en")
        spent.append(1000 * (time.process_time() - started))
    return statistics.median(spent)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", action="append", dest="sets", help="only this set (may be repeated)")
    parser.add_argument("--language", action="append", help="only this language (may be repeated)")
    parser.add_argument("--tables", action="store_true", help="without the sentence encoder")
    parser.add_argument("--show", action="store_true", help="print each caption that was misread")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--quick", action="store_true", help="the same: all of it takes seconds")
    options = parser.parse_args()
    languages = options.language or sorted(path.stem for path in FOLDER.glob("*.tsv"))
    hint = _no_hints if options.tables else _hints_of_the_encoder()
    rows = [
        (language, score)
        for language in languages
        for score in [_scores(language, hint if language in LANGUAGES else _no_hints)]
    ]
    names = options.sets or sorted({name for _, scores in rows for name in scores})
    for name in names:
        _print_table(name, [(language, scores[name]) for language, scores in rows if name in scores], options)
    for case, ms in measure_ms().items():
        if options.json:
            print(
                json.dumps(
                    {
                        "name": f"ms, {case}",
                        "value": round(ms, 2),
                        "unit": "ms",
                        "goal": GOAL_MS,
                        "met": ms <= GOAL_MS,
                    }
                )
            )
        else:
            print(f"{case:24} {ms:6.2f} ms")


Hint = Callable[[str], tuple[str, ...]]


def _no_hints(_caption: str) -> tuple[str, ...]:
    return ()


def _hints_of_the_encoder() -> Hint:
    encoder, head = SentenceEncoder.load(), CaptionHead.load()
    return lambda caption: find_hints(caption, locale="", encoder=encoder, head=head)


def _scores(language: str, hint: Hint) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    for name, caption, asked in read_sets(language):
        scores.setdefault(name, Score()).add(caption, asked, hints=hint(caption))
    return scores


def _print_table(name: str, rows: list[tuple[str, Score]], options: argparse.Namespace) -> None:
    if not options.json:
        print(f"\n{name:9} captions  precision  recall  exact  negation")
    for language, score in rows:
        if options.json:
            for what, value in score.shares.items():
                goal = {"goal": GOALS[what], "met": value >= GOALS[what]} if what in GOALS else {}
                print(
                    json.dumps(
                        {
                            "name": f"{name}, {language}, {what}",
                            "value": round(value, 3),
                            "unit": "share",
                            **goal,
                        }
                    )
                )
            continue
        shares = score.shares
        flag = " " if all(shares[what] >= goal for what, goal in GOALS.items()) else "*"
        print(
            f"{language:9} {score.captions:8} {shares['precision']:10.3f} {shares['recall']:7.3f}"
            f" {shares['exact']:6.2f} {shares['negation']:9.2f} {flag}"
        )
        if options.show:
            for caption, missed, wrong in score.misread:
                print(f"    {caption}  missed {sorted(missed)}  wrong {sorted(wrong)}")


if __name__ == "__main__":
    main()
