"""The ledger's tables, as sqlite-utils migrations: only ever added to, never edited."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from engine.errors import ConfigError

migrations = Migrations("engine")


@migrations()
def m001_first(db: Database) -> None:
    """Wall-clock times are Unix milliseconds, for people and retention only; liveness never reads them."""
    for statement in (
        "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
        "INSERT INTO meta VALUES ('epoch', 0), ('virtual_clock', 0), ('depth', 0)",
        """CREATE TABLE requesters(
             requester TEXT PRIMARY KEY, virtual_time INTEGER NOT NULL DEFAULT 0,
             queued INTEGER NOT NULL DEFAULT 0, running INTEGER NOT NULL DEFAULT 0) STRICT""",
        """CREATE TABLE jobs(
             number INTEGER PRIMARY KEY AUTOINCREMENT,
             id TEXT NOT NULL UNIQUE,
             digest TEXT NOT NULL,
             requester TEXT NOT NULL, reply_to TEXT NOT NULL, request TEXT,
             photo TEXT, facts TEXT NOT NULL DEFAULT '{}', seed INTEGER NOT NULL DEFAULT 0,
             status TEXT NOT NULL CHECK(status IN
               ('queued','running','held','animated','refused','failed','canceled')),
             accepted INTEGER NOT NULL,
             virtual_start INTEGER NOT NULL DEFAULT 0,
             starts INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0, stops INTEGER NOT NULL DEFAULT 0,
             epoch INTEGER NOT NULL DEFAULT 0, cancel INTEGER NOT NULL DEFAULT 0,
             outcome TEXT, clip TEXT, policy_version TEXT, reported INTEGER NOT NULL DEFAULT 0,
             manifest BLOB,
             created_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER, delivered_at INTEGER) STRICT""",
        "CREATE INDEX jobs_claim ON jobs(virtual_start, number) WHERE status = 'queued'",
        "CREATE INDEX jobs_running ON jobs(number) WHERE status = 'running'",
        "CREATE INDEX jobs_requester ON jobs(requester, status)",
        "CREATE INDEX jobs_ended ON jobs(ended_at)",
        """CREATE TABLE events(
             sequence INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL, kind TEXT NOT NULL,
             body TEXT, at INTEGER NOT NULL) STRICT""",
        # The feed's numbers begin at today's milliseconds: a bot whose cursor belongs to an older, deleted ledger
        # still sees every outcome of this one.
        "INSERT INTO sqlite_sequence(name, seq) VALUES ('events', CAST(unixepoch('subsec') * 1000 AS INTEGER))",
        "CREATE INDEX events_outcome ON events(sequence) WHERE kind = 'outcome'",
        "CREATE INDEX events_job ON events(job_id)",
    ):
        db.execute(statement)


@migrations()
def m002_marks(db: Database) -> None:
    """How a clip is known again when its credentials are gone. No two clips carry one number."""
    for statement in (
        "ALTER TABLE jobs ADD COLUMN watermark INTEGER",
        "ALTER TABLE jobs ADD COLUMN fingerprint BLOB",
        "CREATE UNIQUE INDEX jobs_watermark ON jobs(watermark) WHERE watermark IS NOT NULL",
        "CREATE INDEX jobs_fingerprint ON jobs(number, fingerprint) WHERE fingerprint IS NOT NULL",
    ):
        db.execute(statement)


@migrations()
def m003_groups(db: Database) -> None:
    """How many jobs of one group wait."""
    for statement in (
        "ALTER TABLE jobs ADD COLUMN group_key TEXT",
        "CREATE INDEX jobs_group ON jobs(group_key) WHERE status = 'queued' AND group_key IS NOT NULL",
    ):
        db.execute(statement)


@migrations()
def m004_operators(db: Database) -> None:
    """What operators decided. `until` is NULL for a suspension without an end."""
    for statement in (
        "ALTER TABLE jobs ADD COLUMN removed INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN appealed_at INTEGER",
        "CREATE TABLE suspensions(requester TEXT PRIMARY KEY, until INTEGER, at INTEGER NOT NULL) STRICT",
    ):
        db.execute(statement)


def migrate(db: Database) -> None:
    """Bring the file up to date; call inside BEGIN IMMEDIATE, so that two starts cannot both do it.

    Raises ConfigError when the file is newer than this program.
    """
    known = {migration.name for migration in migrations._migrations}  # noqa: SLF001  # there is no public list
    newer = sorted({migration.name for migration in migrations.applied(db)} - known)
    if newer:
        raise ConfigError(
            f"the ledger was written by a newer Zoetrope (it knows {', '.join(newer)}): "
            "upgrade this program, or restore the backup that belongs to it"
        )
    migrations.apply(db)
