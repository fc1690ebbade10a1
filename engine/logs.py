"""Logs as events in JSON lines or for people.

Whatever looks like a bot token is cut out of every line; of an exception its class and places are told, never its
message, which may quote a person.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
import warnings
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import structlog

TOKEN = re.compile(r"\d{3,12}:[\w-]{20,}")
"""A Telegram bot token: digits, a colon, letters. Kept wide: a redacted port number harms nobody."""

REDACTED = "[token]"

_QUIET = ("httpx", "httpcore", "telegram.ext", "aiohttp.access", "apscheduler", "PIL")
"""Libraries that write URLs (with the token in them), whole updates or file names at INFO."""


_FRAMES = 8
"""Of an exception's calls, as many are named, the innermost first."""


class _Redacting(logging.Formatter):
    """Works on the finished line, so that arguments are covered too."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return TOKEN.sub(REDACTED, self._inner.format(record))


def configure(*, process: str, json_lines: bool | None = None) -> None:
    """Set up logging of this process, once, before anything else logs. `process` names it in every line."""
    as_json = not sys.stderr.isatty() if json_lines is None else json_lines
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_process(process),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Redacting(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=[_first_line_of_asyncio, *shared],
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    _places_of_exception,
                    renderer,
                ],
            )
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _tell_last_words
    warnings.showwarning = _tell_warning
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for events: `log.info("job finished", outcome=…, seconds=…)`. Never a prompt, name or token."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def _name_process(process: str) -> structlog.typing.Processor:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("process", process)
        return event

    return add


def _places_of_exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Instead of a traceback: classes and places, from what was caught back to what caused it."""
    given = event.pop("exc_info", None)
    caught = sys.exc_info() if given is True else given
    error = caught[1] if isinstance(caught, tuple) else caught
    if isinstance(error, BaseException):
        event["exception"] = "; from ".join(_place(each) for each in _chain(error))
    return event


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return chain


def _place(error: BaseException) -> str:
    frames = reversed(traceback.extract_tb(error.__traceback__)[-_FRAMES:])
    calls = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(error).__name__} at {calls or 'an unknown place'}"


def _first_line_of_asyncio(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What asyncio says below its first line shows a task with its exception, message and all."""
    if event["_record"].name == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _tell_warning(
    message: Warning | str,  # noqa: ARG001  # not told
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001  # the log has its own
    line: str | None = None,  # noqa: ARG001
) -> None:
    """Its class and place: what a library warns of may quote what somebody sent."""
    get(__name__).warning("a library warns", kind=category.__name__, place=f"{Path(filename).name}:{lineno}")


def _tell_last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What nobody caught ends the process; Python's own hook would print its message."""
    if isinstance(error, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        get(__name__).critical("process ended by a surprise", exc_info=(kind, error, trace))
