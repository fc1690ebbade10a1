"""What the ledger's verbs are written with: one connection inside one transaction, and the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from engine.ledger.records import Limits
from engine.verdicts import Decision

OPEN = "status IN ('queued', 'running', 'held')"
"""A constant of ours: the statements that carry it hold no value of anybody else."""


class Statements:
    """`now` is Unix milliseconds, for people and retention only; whether something lives is never read from it."""

    def __init__(self, connection: Any, *, limits: Limits, now: Callable[[], int]) -> None:
        self.connection = connection
        self.limits = limits
        self.now = now
        self.epoch = 0
        self.empty_log = False
        """Set by a verb after which the write-ahead log must not keep what was there."""

    def _one(self, sql: str, values: Sequence[object] = ()) -> Any:
        return self.connection.execute(sql, values).fetchone()

    def _all(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        rows: list[Any] = self.connection.execute(sql, values).fetchall()
        return rows

    def _do(self, sql: str, values: Sequence[object] = ()) -> int:
        """The number of rows that changed."""
        changed: int = self.connection.execute(sql, values).rowcount
        return changed

    def _event(self, job_id: str, kind: str, body: object = None) -> None:
        text = None if body is None else msgspec.json.encode(body).decode()
        self._do(
            "INSERT INTO events(job_id, kind, body, at) VALUES (?, ?, ?, ?)", (job_id, kind, text, self.now())
        )

    def _decisions(self, job_id: str, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            self._event(job_id, "decision", decision)
