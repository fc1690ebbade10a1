#!/usr/bin/env python3
"""Train the prompt head: templates and hand-written captions in, `prompt_head.npz` and its model card out.

Reads only files of this repository (`bench/captions/`) and takes a few minutes. The held-out captions are read at the very
end, for the card; no threshold looks at them.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from engine.classifiers.languages import LanguageGuesser
from engine.classifiers.prompt_head import features
from engine.classifiers.sentences import USE_WEIGHTS, SentenceEncoder
from engine.gates.caption import Caption, read_caption
from engine.gates.concepts import Reading, read_concepts
from engine.schema import Reason

ROOT = Path(__file__).resolve().parents[1]
CAPTIONS = ROOT / "bench" / "captions"
CLASSIFIERS = ROOT / "engine" / "classifiers"

HARMLESS = ("plain", "hard")
SUBJECTS_A_PHRASE = 4
DESCRIPTIONS_A_LANGUAGE = 100
PENALTY = 1e-5
"""Best of 3e-3 … 3e-6 out of fold; one vector per rule beat harm-or-not (.55 to .42), hidden layers and kernels added nothing."""
FALSE_REFUSALS = 0.012
"""Of plain captions, out of fold: what the refusing threshold may cost. Many of these were written to be taken for
harm; of VBench's, which nobody here wrote, the same threshold refuses a tenth of that."""
FALSE_PRESETS = 0.02
"""The same for the lower threshold, above which a caption is answered with preset motions."""
LEAST_REFUSE_AT = 0.75
"""Of VBench's 944 captions, in whose words nothing here is written, .73 refused .3 % and .69 twice that."""
AGREE_AT = 0.3
"""Below this harm a rule that is not firm is overruled: .3 cost .004 of recall and spared a third of the hard-benign."""
FOLDS = 5
VECTOR = 512
CAPTIONS_A_REASON = 80
SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Example:
    """`group` keeps what one phrase became in one fold, so that no fold is tested on its own wording."""

    text: str
    label: str
    language: str
    group: str


def read_tsv(path: Path) -> list[Example]:
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return [Example(text, label, language, text) for language, label, text in rows]


def read_templates(path: Path) -> list[Example]:
    """Every phrase behind a few of the subjects and openings, the same ones in every run."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    chance = random.Random(5)  # noqa: S311 - the same captions in every run, not a secret
    examples = []
    for kind in ("violating", "plain"):
        for name, phrases in tables[kind].items():
            label = name if kind == "violating" else ("hard" if name == "hard" else "plain")
            subjects = _subjects(tables, name)
            examples += [
                Example(_compose(tables, phrase, subjects, chance), label, "en", phrase)
                for phrase in phrases
                for _ in range(SUBJECTS_A_PHRASE)
            ]
    return examples


def read_descriptions(path: Path) -> list[Example]:
    """Plain descriptions, subject + action + place, the same ones in every run."""
    chance = random.Random(7)  # noqa: S311 - the same captions in every run, not a secret
    examples = []
    for language, parts in tomllib.loads(path.read_text(encoding="utf-8")).items():
        for _ in range(DESCRIPTIONS_A_LANGUAGE * (4 if language == "en" else 1)):
            action = chance.choice(parts["actions"])
            words = (chance.choice(parts["subjects"]), action, chance.choice(["", *parts["places"]]))
            examples.append(Example(" ".join(words).strip(), "plain", language, action))
    return examples


def read_grammar(path: Path) -> list[Example]:
    """Patterns with their slots filled, the same ones in every run; a pattern's verb keeps its captions in one fold."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    chance = random.Random(11)  # noqa: S311 - the same captions in every run, not a secret
    examples = []
    for label, patterns in tables["patterns"].items():
        for pattern in patterns:
            for _ in range(CAPTIONS_A_REASON // (1 if label == "hard" else len(patterns))):
                text, told = pattern, pattern
                while (slot := SLOT.search(text)) is not None:
                    word = chance.choice(tables["lists"][slot.group(1)])
                    told = word if slot.group(1) not in {"who", "victim", "city"} else told
                    text = text.replace(slot.group(), word, 1)
                examples.append(Example(text, label, "en", told))
    return examples


def read_figures(path: Path) -> list[Example]:
    """Somebody famous doing what the policy allows: a name is no harm."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Example(f"{name} {action}", "hard", language, action)
        for language, actions in tables["actions"].items()
        for place, action in enumerate(actions)
        for name in tables["names"][place % 2 :: 2 if language == "en" else 6]
    ]


def _subjects(tables: dict[str, Any], name: str) -> list[str]:
    if name in {"scenery", "hard", "sexual_minor", "intimacy", "minor_safety", "public_figure", "fake_news"}:
        return [""]
    return list(tables["animals_and_things"] if name == "things" else tables["subjects"])


def _compose(tables: dict[str, Any], phrase: str, subjects: Sequence[str], chance: random.Random) -> str:
    opening = chance.choice(tables["openings"])
    scene = chance.choice(tables["scenes"]) if chance.random() < 0.3 else ""
    return " ".join(f"{opening}{chance.choice(subjects)} {phrase} {scene}".split())


class Reader:
    """Captions as the gates read them."""

    def __init__(self) -> None:
        self._guesser = LanguageGuesser()
        self._encoder = SentenceEncoder.load()

    def read(self, example: Example) -> tuple[Caption, Reading]:
        caption = read_caption(example.text, locale=example.language, guesser=self._guesser)
        return caption, read_concepts(caption)

    def features(
        self, read: Sequence[tuple[Caption, Reading]], groups: tuple[str, ...]
    ) -> NDArray[np.float32]:
        vectors = self._encoder.embed([caption.text.restored for caption, _ in read])
        return features(vectors, [reading.groups for _, reading in read], groups)


def with_blind(
    vectors: NDArray[np.float32], classes: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Every example once more without its word groups: the tables know these captions better than they will know others."""
    blind = vectors.copy()
    blind[:, VECTOR:] = 0
    return np.vstack([vectors, blind]), np.concatenate([classes, classes])


def fit(
    vectors: NDArray[np.float32], classes: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float64], ...]:
    """Softmax regression with an L2 penalty; harm and harmless weigh the same in sum."""
    onehot = np.eye(count)[classes]
    weight = np.where(classes == 0, 0.5 / (classes == 0).sum(), 0.5 / (classes > 0).sum())
    size = count * vectors.shape[1]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        w, b = flat[:size].reshape(count, -1), flat[size:]
        logits = vectors @ w.T + b
        logits -= logits.max(axis=1, keepdims=True)
        chances = np.exp(logits)
        chances /= chances.sum(axis=1, keepdims=True)
        residual = (chances - onehot) * weight[:, None]
        value = -(weight * np.log((chances * onehot).sum(axis=1) + 1e-12)).sum() + PENALTY * (w**2).sum()
        return float(value), np.concatenate(
            [(residual.T @ vectors + 2 * PENALTY * w).ravel(), residual.sum(axis=0)]
        )

    start = np.zeros(size + count)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    return found[:size].reshape(count, -1), found[size:]


def harm(vectors: NDArray[np.float32], w: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    logits = vectors @ w.T + b
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(1 - odds[:, 0] / odds.sum(axis=1))


def out_of_fold(
    examples: Sequence[Example], vectors: NDArray[np.float32], classes: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    folds = np.array([hashlib.sha256(e.group.encode()).digest()[0] % FOLDS for e in examples])
    scores = np.zeros(len(examples))
    for fold in range(FOLDS):
        w, b = fit(*with_blind(vectors[folds != fold], classes[folds != fold]), count)
        scores[folds == fold] = harm(vectors[folds == fold], w, b)
    return scores


def main() -> None:
    """Train, write, report."""
    examples = [
        *read_templates(CAPTIONS / "templates_en.toml"),
        *read_descriptions(CAPTIONS / "descriptive.toml"),
        *read_figures(CAPTIONS / "figures.toml"),
        *read_grammar(CAPTIONS / "grammar_en.toml"),
        *read_tsv(CAPTIONS / "train.tsv"),
        *read_tsv(CAPTIONS / "written.tsv"),
    ]
    reasons = sorted({e.label for e in examples} - set(HARMLESS))
    names = ["plain", *reasons]
    classes = np.array([0 if e.label in HARMLESS else names.index(e.label) for e in examples])
    reader = Reader()
    read = [reader.read(e) for e in examples]
    groups = tuple(sorted(set().union(*(reading.groups for _, reading in read))))
    vectors = reader.features(read, groups)

    scores = out_of_fold(examples, vectors, classes, len(names))
    plain = scores[[e.label == "plain" for e in examples]]
    refuse_at = max(LEAST_REFUSE_AT, float(np.quantile(plain, 1 - FALSE_REFUSALS)))
    unsure_at = float(np.quantile(plain, 1 - FALSE_PRESETS))

    w, b = fit(*with_blind(vectors, classes), len(names))
    np.savez_compressed(
        CLASSIFIERS / "prompt_head.npz",
        weights=w.astype(np.float16),
        bias=b.astype(np.float32),
        reasons=np.array([Reason(r).value for r in reasons]),
        groups=np.array(groups),
        refuse_at=refuse_at,
        unsure_at=unsure_at,
        agree_at=AGREE_AT,
    )
    card = {
        "name": "zoetrope prompt head",
        "encoder": f"{USE_WEIGHTS.package}/{USE_WEIGHTS.member} {USE_WEIGHTS.sha256[:16]}",
        "data": "own captions only: templates_en.toml, descriptive.toml, figures.toml, grammar_en.toml, train.tsv and written.tsv in bench/captions",
        "licence": "Apache-2.0",
        "examples": {name: int((classes == i).sum()) for i, name in enumerate(names)},
        "refuse_at": round(refuse_at, 4),
        "unsure_at": round(unsure_at, 4),
        "agree_at": AGREE_AT,
        "out_of_fold": _rates(scores, classes > 0, [e.language for e in examples], refuse_at, unsure_at),
        "held_out": _held_out(reader, groups, w, b, refuse_at, unsure_at),
        "limits": "Captions are one author's, outside English not reviewed by native speakers; compare, do not trust.",
    }
    (CLASSIFIERS / "prompt_head.json").write_text(
        json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8"
    )
    print(json.dumps(card, indent=1, ensure_ascii=False))


def _held_out(
    reader: Reader,
    groups: tuple[str, ...],
    w: NDArray[np.float64],
    b: NDArray[np.float64],
    refuse_at: float,
    unsure_at: float,
) -> dict[str, Any]:
    examples = read_tsv(CAPTIONS / "held_out.tsv")
    scores = harm(reader.features([reader.read(e) for e in examples], groups), w, b)
    bad = np.array([e.label not in HARMLESS for e in examples])
    return _rates(scores, bad, [e.language for e in examples], refuse_at, unsure_at)


def _rates(
    scores: NDArray[np.float64],
    bad: NDArray[np.bool_],
    languages: Sequence[str],
    refuse_at: float,
    unsure_at: float,
) -> dict[str, Any]:
    def rates(mask: NDArray[np.bool_]) -> dict[str, float]:
        return {
            "recall": round(float((scores[mask & bad] >= refuse_at).mean()), 3),
            "recall_with_presets": round(float((scores[mask & bad] >= unsure_at).mean()), 3),
            "harmless_refused": round(float((scores[mask & ~bad] >= refuse_at).mean()), 3),
        }

    codes = np.array(languages)
    return {
        "all": rates(np.ones(len(codes), bool)),
        **{c: rates(codes == c) for c in dict.fromkeys(languages)},
    }


if __name__ == "__main__":
    main()
