"""Docs are held to the code: whatever a person can meet is written down."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from bot.config import BotConfig, PlaygroundConfig, TelegramConfig, WebConfig
from bot.config import load as load_bot
from engine.api import Door
from engine.config import (
    ClipTable,
    ClusterTable,
    EngineTable,
    LimitsTable,
    PolicyConfig,
    ProvenanceTable,
    RendererTable,
    RetentionTable,
)
from engine.config import load as load_engine
from engine.metrics import Metrics
from engine.schema import Reason
from engine.settings import TABLES, TOP_LEVEL

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.toml"
KINDS = {
    "telegram": TelegramConfig,
    "bot": BotConfig,
    "web": WebConfig,
    "playground": PlaygroundConfig,
    "engine": EngineTable,
    "clip": ClipTable,
    "limits": LimitsTable,
    "renderer": RendererTable,
    "policy": PolicyConfig,
    "provenance": ProvenanceTable,
    "retention": RetentionTable,
    "cluster": ClusterTable,
}


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_table_of_the_configuration_is_known_here() -> None:
    assert set(KINDS) == set(TABLES)


@pytest.mark.parametrize("table", KINDS)
def test_every_setting_stands_in_the_example_with_its_default_and_a_comment(table: str) -> None:
    kind, example = KINDS[table], tomllib.loads(page("config.example.toml"))
    text = page("config.example.toml")
    section = text.split(f"\n[{table}]\n", 1)[1].split("\n[", 1)[0]

    for field in msgspec.structs.fields(kind):
        assert re.search(rf"^(# )?{field.encode_name} = ", section, re.MULTILINE), field.encode_name
        if field.default is not None and field.default is not msgspec.NODEFAULT:
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            assert example[table][field.encode_name] == default, field.encode_name
    assert set(example[table]) <= {field.encode_name for field in msgspec.structs.fields(kind)}
    assert section.lstrip().startswith("#")


def test_the_example_is_a_valid_configuration() -> None:
    assert set(tomllib.loads(page("config.example.toml"))) == TABLES | TOP_LEVEL
    assert load_engine(EXAMPLE).clip == ClipTable()
    assert load_bot(EXAMPLE).bot == BotConfig()


def test_every_route_is_documented() -> None:
    door = Door(dispatcher=None, places=1, body_seconds=1, free_disk_megabytes=1)  # type: ignore[arg-type]
    text = page("docs/operations.md")

    for route in door.routes():
        path = re.sub(r"\{(\w+):[^}]*\}+(?=/|$)", r"{\1}", route.path)
        path = re.sub(r"\{(job_id|requester):.*?\}(?=/|$)", r"{\1}", path)
        assert f"`{route.method} {path}`" in text, (route.method, path)


def test_every_metric_is_documented() -> None:
    text = page("docs/operations.md")

    for metric in Metrics().registry.collect():
        assert f"`{metric.name}`" in text, metric.name


def test_every_reason_is_documented() -> None:
    text = page("docs/policy.md")

    for reason in Reason:
        assert f"`{reason.value}`" in text, reason


def test_every_link_between_pages_leads_somewhere() -> None:
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [path.name[:4] for path in sorted((ROOT / "docs/decisions").glob("*.md"))]

    assert len(numbers) == len(set(numbers))
