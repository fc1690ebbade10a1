"""Logs are events, in one shape for all, and whatever looks like a bot token is cut out."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from engine import logs

TOKEN = "123456789:AAF-abcdefghijklmnopqrstuvwxyz_123456"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging is of the whole process: put back what a test set up."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_event_is_one_line_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(process="engine", json_lines=True)

    logs.get("engine.somewhere").info("job finished", outcome="animated", seconds=1.5)

    (line,) = lines(capsys)
    assert line.pop("timestamp")
    assert line == {
        "event": "job finished",
        "outcome": "animated",
        "seconds": 1.5,
        "level": "info",
        "process": "engine",
    }


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_token_is_cut_out_wherever_it_stands(capsys: pytest.CaptureFixture[str], json_lines: bool) -> None:
    logs.configure(process="bot", json_lines=json_lines)
    log = logs.get("bot")

    event = f"in the event {TOKEN}"
    log.info(event, url=f"https://api/bot{TOKEN}/getMe")
    logging.getLogger("somebody.else").warning("as an argument %s", TOKEN)
    try:
        int(TOKEN)  # whose message quotes it
    except ValueError:
        log.exception("broke")

    said = capsys.readouterr().err
    assert TOKEN not in said
    assert said.count(logs.REDACTED) >= 4


def test_libraries_that_write_urls_are_silent(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(process="bot", json_lines=True)

    for name in ("httpx", "httpcore", "aiohttp.access", "telegram.ext"):
        logging.getLogger(name).info("HTTP Request: POST https://somewhere")

    assert capsys.readouterr().err == ""


def test_other_libraries_speak_in_the_same_shape(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(process="engine", json_lines=True)

    logging.getLogger("asyncio").warning("slow callback")

    (line,) = lines(capsys)
    assert (line["event"], line["level"], line["process"]) == ("slow callback", "warning", "engine")
