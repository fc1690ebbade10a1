"""The bot's settings: defaults, mistakes named, and a token that is nowhere to be seen."""

from pathlib import Path

import pytest

from bot import config
from engine.client import Address
from engine.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_without_a_file_there_are_defaults_and_a_sentence_about_the_token():
    loaded = config.load(None)

    assert loaded.engine_address() == Address(socket=Path("data/engine.sock"))
    assert loaded.rules().stale_after_seconds == 3600
    with pytest.raises(ConfigError, match="token_file") as refused:
        loaded.telegram_address()
    assert "\n" not in str(refused.value)


def test_paths_are_relative_to_the_configuration(tmp_path):
    (tmp_path / "token").write_text("123456:from-a-file\n")

    loaded = config.load(write(tmp_path, 'data = "elsewhere"\n[telegram]\ntoken_file = "token"\n'))

    assert loaded.data == tmp_path / "elsewhere"
    assert loaded.telegram_address().token == "123456:from-a-file"


def test_the_token_is_not_in_a_printed_configuration(tmp_path):
    loaded = config.load(write(tmp_path, '[telegram]\ntoken = "123456:secret-secret-secret"\n'))

    assert "secret" not in repr(loaded) + repr(loaded.telegram_address())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[bot]\nstory_hour = 3\n", "story_hour"),
        ("[bot]\nstory_hours = 48\n", "story_hours"),
        ("[bot]\nstory_hours = '3'\n", "story_hours"),
        ("[playground]\nport = 70000\n", "port"),
        ("[bots]\n", "bots"),
        ("data = 3\n", "data"),
        ("[telegram]\ntoken_file = 'missing'\n", "token_file"),
    ],
)
def test_a_mistake_is_named(tmp_path, text, named):
    with pytest.raises(ConfigError, match=named):
        config.load(write(tmp_path, text)).telegram_address()


def test_an_engine_elsewhere_gets_a_bearer_token_from_a_file(tmp_path):
    (tmp_path / "engine.token").write_text("bearer")
    text = '[bot]\nengine_url = "http://127.0.0.1:9000"\nengine_token_file = "engine.token"\n'

    address = config.load(write(tmp_path, text)).engine_address()

    assert address == Address(url="http://127.0.0.1:9000", token="bearer")
