"""Logs are events, in one shape for all, and whatever looks like a bot token is cut out."""

import asyncio
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator

import pytest
import structlog

from engine import logs

TOKEN = "123456789:AAF-abcdefghijklmnopqrstuvwxyz_123456"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging is of the whole process: put back what a test set up."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers, root.level, sys.excepthook
    yield
    root.handlers, root.level, sys.excepthook = handlers, level, hook
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
    assert said.count(logs.REDACTED) >= 3


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


@pytest.mark.parametrize("json_lines", [True, False])
def test_an_exception_tells_its_places_and_never_its_words(
    capsys: pytest.CaptureFixture[str], json_lines: bool
) -> None:
    logs.configure(process="bot", json_lines=json_lines)

    for log in (logs.get("bot"), logging.getLogger("somebody.else")):
        try:
            _quote_a_person()
        except LookupError:
            log.exception("broke")

    said = capsys.readouterr().err
    assert "grandmother" not in said
    assert said.count("LookupError at test_logs.py:") == 2
    assert said.count("; from ValueError at test_logs.py:") == 2


async def test_a_task_that_nobody_awaited_keeps_its_words_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(process="bot", json_lines=True)

    async def fail() -> None:
        _quote_a_person()

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    del task

    (line,) = lines(capsys)
    assert line["event"] == "Task exception was never retrieved"
    assert "grandmother" not in str(line)


def test_a_library_that_warns_of_what_somebody_sent_is_told_by_its_place(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(process="engine", json_lines=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = logs._tell_warning
        warnings.warn("a header that says a-secret-prompt", RuntimeWarning, stacklevel=1)

    told = capsys.readouterr().err
    assert "RuntimeWarning" in told
    assert "test_logs.py" in told
    assert "secret" not in told


def test_the_last_words_of_a_process_are_places_too() -> None:
    program = "from engine import logs; logs.configure(process='bot'); raise ValueError('my grandmother')"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert "grandmother" not in ended.stderr
    assert "ValueError at <string>:1 <module>" in json.loads(ended.stderr)["exception"]


def _quote_a_person() -> None:
    try:
        int("my grandmother in the snow")  # the message quotes it
    except ValueError as error:
        raise LookupError("my grandmother again") from error
