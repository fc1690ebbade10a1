"""What an operator may write, and the sentence that they get for a mistake."""

from pathlib import Path

import pytest

from engine.config import EngineConfig, load
from engine.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    config = load(tmp_path / "config.toml")

    assert config == EngineConfig(data=tmp_path / "data", folder=tmp_path)
    assert config.socket == tmp_path / "data" / "engine.sock"


def test_small_clips_for_long_test_runs(tmp_path: Path) -> None:
    config = load(written(tmp_path, "[clip]\nshort_side = 96\nseconds = 0.5\nframes_per_second = 12\n"))

    assert (config.clip.short_side, config.clip.seconds, config.clip.frames_per_second) == (96, 0.5, 12)


def test_paths_are_relative_to_the_file_and_not_to_who_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    config = load(written(tmp_path, 'data = "my data"\n'))

    assert config.data == tmp_path / "my data"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("data = 3", "data: a path"),
        ('environment = "test"', "environment:"),
        ("[clips]", "unknown table or field: clips"),
        ("[clip]\nshort = 3", r"\[clip\].*short"),
        ("[clip]\nshort_side = 97", r"\[clip\].*short_side"),
        ("[clip]\nshort_side = 94", r"\[clip\].*short_side"),
        ("[clip]\nseconds = nan", r"\[clip\].*seconds"),
        ('[clip]\nseconds = "4"', r"\[clip\].*seconds"),
        ('[clip]\naspect = "4:3"', r"\[clip\].*aspect"),
        ("[limits]\ndepth = 0", r"\[limits\].*depth"),
        ("[limits]\nbody_seconds = 0", r"\[limits\].*body_seconds"),
        ("[policy]\nnsfw_refuse = 1.1", r"\[policy\].*nsfw_refuse"),
        ("[policy]\nnsfw_refuse = 0.1", "nsfw_restrict must not be above nsfw_refuse"),
        ("[policy]\nstranger_below = 0.5", "stranger_below must not be above face_match"),
        ("[retention]\nid_days = 1", "id_days must be the longest"),
        ("[engine]\nport = 8080", "port needs token_file"),
        ("[engine]\nport = 80800", r"\[engine\].*port"),
        ("engine = 1", r"\[engine\]"),
        ("[clip", "config.toml: "),
    ],
)
def test_a_mistake_is_one_sentence_that_names_it(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        load(written(tmp_path, text))

    assert "\n" not in str(caught.value)


def test_paths_of_the_renderer_are_relative_to_the_configuration(tmp_path):
    (tmp_path / "config.toml").write_text('[renderer]\nweights = "wan"\ntoken_file = "/etc/token"\n')

    table = load(tmp_path / "config.toml").renderer

    assert (table.weights, table.token_file) == (str(tmp_path / "wan"), "/etc/token")


def test_the_remote_renderer_must_know_where_and_what(tmp_path):
    (tmp_path / "config.toml").write_text('[engine]\nrenderer = "remote"\n')

    with pytest.raises(ConfigError, match=r"\[renderer\] url and model"):
        load(tmp_path / "config.toml")
