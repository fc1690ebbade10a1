"""Reads `config.toml` into frozen types: every field known, every value checked, every mistake named."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.errors import ConfigError

T = TypeVar("T")

TABLES = frozenset(
    {
        "cluster",
        "telegram",
        "bot",
        "web",
        "playground",
        "engine",
        "renderer",
        "clip",
        "limits",
        "policy",
        "provenance",
        "retention",
    }
)
"""Every table that a configuration may have; `bot/config.py` and `engine/config.py` share them."""

TOP_LEVEL = frozenset({"data", "environment"})


def read_tables(path: Path | None) -> Mapping[str, object]:
    """All of a TOML file, or nothing when there is no file. Raises ConfigError with the line or the name."""
    if path is None or not path.exists():
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name}: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read: {error.strerror}") from error
    unknown = sorted(set(tables) - TABLES - TOP_LEVEL)
    if unknown:
        raise ConfigError(f"{path.name}: unknown table or field: {', '.join(unknown)}")
    return tables


def table(tables: Mapping[str, object], name: str, kind: type[T]) -> T:
    """One table as a frozen type; missing fields take their defaults. Raises ConfigError naming the field."""
    try:
        return msgspec.convert(tables.get(name, {}), type=kind, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(f"[{name}] {error}") from error
