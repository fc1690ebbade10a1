"""Reading `config.toml`: nothing unknown, nothing half read."""

from pathlib import Path

import msgspec
import pytest

from engine.errors import ConfigError
from engine.settings import read_tables, table


class Colour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    red: int = 1


def test_no_file_is_an_empty_one(tmp_path: Path) -> None:
    assert read_tables(None) == {}
    assert read_tables(tmp_path / "config.toml") == {}


def test_a_table_takes_its_defaults_and_its_values(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[bot]\nred = 2\n")
    tables = read_tables(tmp_path / "config.toml")

    assert table(tables, "bot", Colour) == Colour(red=2)
    assert table(tables, "clip", Colour) == Colour(red=1)


@pytest.mark.parametrize("content", [b"[bot", b"\xff\xfe", b"bots = 1", b"[bot]\n[bot]\n"])
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.toml").write_bytes(content)

    with pytest.raises(ConfigError, match=r"config\.toml"):
        read_tables(tmp_path / "config.toml")


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_tables(tmp_path)


@pytest.mark.parametrize("value", [{"blue": 1}, {"red": "1"}, 3, ["red"]])
def test_a_wrong_field_is_named_with_its_table(value: object) -> None:
    with pytest.raises(ConfigError, match=r"\[bot\]"):
        table({"bot": value}, "bot", Colour)
