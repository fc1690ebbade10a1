"""What operators decide: whether a reported clip stays, who is suspended, whether anything is made; and what was appealed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import ConfigError, Conflict, NotFound, Suspended, TooManyRefusals
from engine.ledger.registry import open_reader
from engine.ledger.upkeep import Upkeep
from engine.schema import DecisionRequest, Figures, OperatorDecision

FOREVER_SECONDS = 365 * 86_400.0
"""What somebody is told who is suspended without an end."""

_REFUSED = "status = 'refused' AND NOT accepted AND json_extract(outcome, '$.type') = 'refused'"
"""Refusals at the door; an offer of other motions is none."""


class Operators(Upkeep):
    """Called inside a transaction, like every verb. Each decision is an event, which says who and why."""

    def decide(self, job_id: str, decision: DecisionRequest) -> str:
        """Returns the maker's key. Repeatable. Raises NotFound for a job that never became a clip."""
        row = self._one("SELECT requester FROM jobs WHERE id = ? AND status = 'animated'", (job_id,))
        if row is None:
            raise NotFound("there is no such clip")
        removed = decision.decision is OperatorDecision.REMOVE
        self._do("UPDATE jobs SET removed = ?, reported = 0 WHERE id = ?", (int(removed), job_id))
        self._event(job_id, "decided", msgspec.to_builtins(decision))
        return str(row[0])

    def appeal(self, job_id: str, requester: str) -> None:
        """Of a refusal, or of a clip that was removed; once. Raises NotFound or Conflict."""
        row = self._one(
            "SELECT appealed_at FROM jobs WHERE id = ? AND requester = ? AND (status = 'refused' OR removed)",
            (job_id, requester),
        )
        if row is None:
            raise NotFound("there is nothing to appeal against")
        if row[0] is not None:
            raise Conflict("it was appealed already")
        self._do("UPDATE jobs SET appealed_at = ? WHERE id = ?", (self.now(), job_id))
        self._event(job_id, "appealed")

    def suspend(self, requester: str, *, until_ms: int | None) -> None:
        """Nothing is taken from this requester until then; None is without an end."""
        self._do(
            "INSERT INTO suspensions(requester, until, at) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET until = excluded.until, at = excluded.at",
            (requester, until_ms, self.now()),
        )

    def lift(self, requester: str) -> None:
        self._do("DELETE FROM suspensions WHERE requester = ?", (requester,))

    def pause(self, *, on: bool) -> None:
        """Survives a start."""
        self._do(
            "INSERT INTO meta(name, value) VALUES ('paused', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (int(on),),
        )

    def admit_person(self, requester: str, *, refusals: int, window_ms: int) -> None:
        """Raises Suspended, or TooManyRefusals after so many refusals within the window (0: never)."""
        row = self._one("SELECT until FROM suspensions WHERE requester = ?", (requester,))
        if row is not None and (row[0] is None or row[0] > self.now()):
            left = FOREVER_SECONDS if row[0] is None else (row[0] - self.now()) / 1000
            raise Suspended(left)
        if not refusals:
            return
        since = self.now() - window_ms
        count, last = self._one(
            f"SELECT count(*), max(ended_at) FROM jobs WHERE requester = ? AND ended_at > ? AND {_REFUSED}",
            (requester, since),
        )
        if count >= refusals:
            raise TooManyRefusals(max(1.0, (last - since) / 1000))


Ask = Callable[[str, tuple[object, ...]], list[Any]]


def count_figures(ask: Ask, *, since_ms: int) -> Figures:
    """For a transparency report; numbers only. `ask` runs a query over the ledger."""

    def one(query: str) -> int:
        return int(ask(query, (since_ms,))[0][0] or 0)

    def counts(query: str) -> dict[str, int]:
        return {str(name): int(count) for name, count in ask(query, (since_ms,))}

    decided = counts(
        "SELECT json_extract(body, '$.decision'), count(*) FROM events WHERE kind = 'decided' AND at > ? GROUP BY 1"
    )
    hours = ask(
        "SELECT (d.at - r.at) / 3600000.0 FROM events d JOIN events r ON r.job_id = d.job_id AND r.kind IN "
        "('reported', 'appealed') WHERE d.kind = 'decided' AND d.at > ? AND d.at >= r.at ORDER BY 1",
        (since_ms,),
    )
    return Figures(
        requests=one("SELECT count(*) FROM jobs WHERE created_at > ?"),
        outcomes=counts("SELECT status, count(*) FROM jobs WHERE created_at > ? GROUP BY 1"),
        refusals=counts(
            "SELECT json_extract(outcome, '$.reason'), count(*) FROM jobs "
            "WHERE created_at > ? AND json_extract(outcome, '$.type') = 'refused' GROUP BY 1"
        ),
        restricted=one(
            "SELECT count(*) FROM jobs WHERE created_at > ? AND json_extract(outcome, '$.type') = 'restricted'"
        ),
        reports=one("SELECT count(*) FROM events WHERE kind = 'reported' AND at > ?"),
        appeals=one("SELECT count(*) FROM events WHERE kind = 'appealed' AND at > ?"),
        decisions=decided,
        median_hours_to_decide=float(hours[len(hours) // 2][0]) if hours else None,
    )


def read_figures(path: Path, *, days: float) -> Figures:
    """Beside a running engine, which owns the ledger. Raises ConfigError where there is none yet."""
    if not path.exists():
        raise ConfigError("there is no ledger yet: the engine has not run with this configuration")
    with closing(open_reader(path)) as reader:
        since_ms = int((time.time() - days * 86_400) * 1000)
        return count_figures(
            lambda query, values: reader.execute(query, values).fetchall(), since_ms=since_ms
        )
