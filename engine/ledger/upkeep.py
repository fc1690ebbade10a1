"""What the ledger does on its own: it forgets what is past its time, and says which of its promises are broken."""

from __future__ import annotations

from engine.ledger.statements import OPEN, Statements

_WITHOUT_WORDS = "json_remove({column}, '$.not_possible')"
"""An outcome quotes the words of the prompt that no renderer can follow; they go when the prompt goes."""

_INVARIANTS = {
    "depth": "SELECT (SELECT value FROM meta WHERE name = 'depth') != "
    "(SELECT count(*) FROM jobs WHERE status = 'queued')",
    "requester counters": "SELECT count(*) FROM requesters r WHERE "
    "queued != (SELECT count(*) FROM jobs j WHERE j.requester = r.requester AND status = 'queued') OR "
    "running != (SELECT count(*) FROM jobs j WHERE j.requester = r.requester AND status = 'running')",
    "two outcomes": "SELECT count(*) FROM "
    "(SELECT job_id FROM events WHERE kind = 'outcome' GROUP BY job_id HAVING count(*) > 1)",
    "ended without an outcome": f"SELECT count(*) FROM jobs WHERE accepted AND NOT ({OPEN}) "
    "AND id NOT IN (SELECT job_id FROM events WHERE kind = 'outcome')",
    "open with an outcome": f"SELECT count(*) FROM jobs WHERE {OPEN} "
    "AND (outcome IS NOT NULL OR id IN (SELECT job_id FROM events WHERE kind = 'outcome'))",
    "a clip without its end": "SELECT count(*) FROM jobs WHERE clip IS NOT NULL AND status != 'animated'",
}
"""Each counts what must not be."""


class Upkeep(Statements):
    """Called inside a transaction, like every verb."""

    def sweep(self, *, clip_ms: int, prompt_ms: int, id_ms: int) -> tuple[str, ...]:
        """Forget what is past its time. Returns clips whose files may go."""
        now = self.now()
        clips = self._all("SELECT clip FROM jobs WHERE clip IS NOT NULL AND ended_at < ?", (now - clip_ms,))
        self._do("UPDATE jobs SET clip = NULL WHERE clip IS NOT NULL AND ended_at < ?", (now - clip_ms,))
        self._forget_prompts(now - prompt_ms)
        past = "SELECT id FROM jobs WHERE ended_at < ?"
        self._do(f"DELETE FROM events WHERE job_id IN ({past})", (now - id_ms,))
        if self._do("DELETE FROM jobs WHERE ended_at < ?", (now - id_ms,)):
            self.empty_log = True
        self._do(
            "DELETE FROM requesters WHERE queued = 0 AND running = 0 "
            "AND requester NOT IN (SELECT requester FROM jobs)"
        )
        return tuple(clip for (clip,) in clips)

    def check(self) -> list[str]:
        """The invariants that do not hold; empty when all is well. For tests, after every fault."""
        broken = [name for name, count in _INVARIANTS.items() if self._one(count)[0]]
        if self._one("PRAGMA integrity_check")[0] != "ok":
            broken.append("integrity")
        return broken

    def _forget_prompts(self, before: int) -> None:
        """The request, and what the outcome quotes of it."""
        past = "SELECT id FROM jobs WHERE request IS NOT NULL AND ended_at < ?"
        self._forget_words(past, before)
        if self._do(
            "UPDATE jobs SET request = NULL, group_key = NULL WHERE request IS NOT NULL AND ended_at < ?",
            (before,),
        ):
            self.empty_log = True

    def _forget_words(self, jobs: str, *values: object) -> None:
        """Cut a prompt's words out of the outcomes of `jobs`, a statement of ours that selects ids."""
        self._do(
            f"UPDATE events SET body = {_WITHOUT_WORDS.format(column='body')} "
            f"WHERE kind = 'outcome' AND job_id IN ({jobs})",
            values,
        )
        self._do(
            f"UPDATE jobs SET outcome = {_WITHOUT_WORDS.format(column='outcome')} "
            f"WHERE outcome IS NOT NULL AND id IN ({jobs})",
            values,
        )
