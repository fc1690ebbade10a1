from pathlib import Path

import numpy as np
import pytest

from engine.classifiers.languages import LanguageGuesser
from engine.classifiers.nsfw import NudityScorer
from engine.classifiers.prompt_head import PromptHead
from engine.classifiers.sentences import SentenceEncoder
from engine.classifiers.weights import Weights, find_weights
from engine.errors import ConfigError
from engine.schema import Reason


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder.load()


def test_weights_that_are_not_the_pinned_ones_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "weightless"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('a package is looked up, not imported')")
    (package / "model.onnx").write_bytes(b"something else")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ConfigError, match="not the pinned ones"):
        find_weights(Weights(package="weightless", member="model.onnx", sha256="0" * 64))
    with pytest.raises(ConfigError, match="not installed"):
        find_weights(Weights(package="weightless", member="other.onnx", sha256="0" * 64))
    with pytest.raises(ConfigError, match="not installed"):
        find_weights(Weights(package="no_such_package_here", member="model.onnx", sha256="0" * 64))


def test_a_meadow_is_no_nudity() -> None:
    meadow = np.zeros((120, 90, 3), np.uint8)
    meadow[:60], meadow[60:] = (120, 160, 220), (60, 110, 50)

    assert NudityScorer.load().score(meadow) < 0.05


def test_sentences_of_one_meaning_lie_close_in_two_languages(encoder: SentenceEncoder) -> None:
    snow, schnee, gun = encoder.embed(["snow is falling", "es schneit", "he points a gun"])

    assert snow @ schnee > snow @ gun + 0.2


def test_case_does_not_matter(encoder: SentenceEncoder) -> None:
    lower, upper = encoder.embed(["gentle snow", "GENTLE SNOW"])

    assert lower == pytest.approx(upper)


def test_the_head_knows_harm_from_snow_and_names_the_rule(encoder: SentenceEncoder) -> None:
    head = PromptHead.load()

    assert head.judge(encoder.embed(["gentle snow falls on the village"]), {"gentle"}).harm < 0.3
    harm = head.judge(encoder.embed(["she is shot and lies dead in her blood", "gentle snow"]), {"gore"})
    assert harm.harm > head.refuse_at
    assert harm.reason is Reason.VIOLENCE


def test_word_groups_count_beside_the_meaning(encoder: SentenceEncoder) -> None:
    head, vectors = PromptHead.load(), encoder.embed(["he falls to the ground"])

    assert head.judge(vectors, {"gore", "kill"}).harm > head.judge(vectors, set()).harm
    assert head.judge(vectors, {"no such group"}).harm == head.judge(vectors, set()).harm


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("die Kamera fährt langsam auf das Haus zu", "de"),
        ("пусть снег падает медленно", "ru"),
        ("mambo vipi rafiki yangu mpendwa", "sw"),
    ],
)
def test_the_language_of_a_sentence_is_guessed(text: str, language: str) -> None:
    assert LanguageGuesser().rank(text)[0].language == language
