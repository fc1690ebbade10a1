"""The tables of the bot's SQLite file, and how an older file becomes a newer one. Times are Unix seconds.

Not sqlite-utils' migrations, which the engine's ledger uses: that package loads numpy where it is installed, and
the bot process stays without it.
"""

from __future__ import annotations

from typing import Any

FIRST_TABLES = (
    # What came in. `body` holds the caption until the update is handled, and is emptied then.
    """CREATE TABLE inbox(
         number INTEGER PRIMARY KEY AUTOINCREMENT,
         source TEXT NOT NULL CHECK(source IN('telegram', 'engine')),
         id INTEGER NOT NULL,
         body BLOB,
         tries INTEGER NOT NULL DEFAULT 0,
         arrived_at REAL NOT NULL,
         done_at REAL,
         UNIQUE(source, id)) STRICT""",
    "CREATE INDEX inbox_waiting ON inbox(number) WHERE done_at IS NULL",
    # What is still to be said. `body` is a Note, emptied once it is said; `chat_id` wins over the one in it.
    """CREATE TABLE outbox(
         number INTEGER PRIMARY KEY AUTOINCREMENT,
         key TEXT NOT NULL UNIQUE,
         chat_id INTEGER NOT NULL,
         body BLOB,
         state TEXT NOT NULL DEFAULT 'pending'
           CHECK(state IN('pending', 'sending', 'sent', 'unknown', 'undeliverable', 'failed')),
         tries INTEGER NOT NULL DEFAULT 0,
         put_at REAL NOT NULL,
         ended_at REAL) STRICT""",
    "CREATE INDEX outbox_waiting ON outbox(chat_id, number) WHERE state = 'pending'",
    # Jobs whose end reached the person, which the engine has not been told yet.
    "CREATE TABLE acknowledgements(job_id TEXT PRIMARY KEY, reached INTEGER NOT NULL) STRICT",
    """CREATE TABLE tickets(
         job_id TEXT PRIMARY KEY,
         reply_to TEXT NOT NULL UNIQUE,
         chat_id INTEGER NOT NULL,
         message_id INTEGER NOT NULL,
         user_id INTEGER NOT NULL,
         maker_name TEXT NOT NULL,
         locale TEXT NOT NULL,
         photo_file_id TEXT NOT NULL,
         thread_id INTEGER,
         in_group INTEGER NOT NULL,
         placeholder_id INTEGER,
         ended INTEGER NOT NULL,
         opened_at REAL NOT NULL) STRICT""",
    "CREATE INDEX tickets_open ON tickets(opened_at) WHERE ended = 0",
    """CREATE TABLE clips(
         job_id TEXT PRIMARY KEY,
         user_id INTEGER NOT NULL,
         maker_name TEXT NOT NULL,
         file_id TEXT NOT NULL,
         label TEXT NOT NULL,
         shows_people INTEGER NOT NULL,
         chat_id INTEGER NOT NULL,
         message_id INTEGER NOT NULL,
         delivered_at REAL NOT NULL) STRICT""",
    "CREATE TABLE groups(chat_id INTEGER PRIMARY KEY, title TEXT NOT NULL) STRICT",
    """CREATE TABLE members(
         chat_id INTEGER NOT NULL,
         user_id INTEGER NOT NULL,
         seen_at REAL NOT NULL,
         PRIMARY KEY(user_id, chat_id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE stories(
         story_id TEXT PRIMARY KEY,
         job_id TEXT NOT NULL,
         user_id INTEGER NOT NULL,
         maker_name TEXT NOT NULL,
         chat_id INTEGER NOT NULL,
         ends_at REAL NOT NULL,
         message_id INTEGER,
         thread_id INTEGER,
         ended INTEGER NOT NULL) STRICT""",
    "CREATE INDEX stories_live ON stories(ends_at) WHERE ended = 0",
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
)

PREFERENCES = (
    "CREATE TABLE preferences(chat_id INTEGER PRIMARY KEY, language TEXT) STRICT",
    # One thumb a person and clip; counted for the operator.
    """CREATE TABLE ratings(
         job_id TEXT NOT NULL,
         user_id INTEGER NOT NULL,
         good INTEGER NOT NULL,
         rated_at REAL NOT NULL,
         PRIMARY KEY(job_id, user_id)) STRICT, WITHOUT ROWID""",
    # A message of ours whose answer is a new caption for that clip's photo.
    """CREATE TABLE questions(
         chat_id INTEGER NOT NULL,
         message_id INTEGER NOT NULL,
         job_id TEXT NOT NULL,
         user_id INTEGER NOT NULL,
         asked_at REAL NOT NULL,
         PRIMARY KEY(chat_id, message_id)) STRICT, WITHOUT ROWID""",
)

GROUPS = (
    # What a group's admins chose; hours are the group's own.
    """CREATE TABLE group_rules(
         chat_id INTEGER PRIMARY KEY,
         makers TEXT NOT NULL,
         sharers TEXT NOT NULL,
         people INTEGER NOT NULL,
         clips_per_day INTEGER NOT NULL,
         quiet_from INTEGER,
         quiet_until INTEGER NOT NULL,
         utc_hours INTEGER NOT NULL,
         story_thread INTEGER) STRICT""",
    # Requests for other people's photos; a row goes once the author has answered.
    """CREATE TABLE consents(
         job_id TEXT PRIMARY KEY,
         chat_id INTEGER NOT NULL,
         user_id INTEGER NOT NULL,
         author_id INTEGER NOT NULL,
         prompt TEXT NOT NULL,
         ticket TEXT NOT NULL,
         asked_at REAL NOT NULL) STRICT""",
    "ALTER TABLE stories ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0",
    """CREATE TABLE story_reports(
         story_id TEXT NOT NULL,
         user_id INTEGER NOT NULL,
         PRIMARY KEY(story_id, user_id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE hearts(
         story_id TEXT NOT NULL,
         user_id INTEGER NOT NULL,
         PRIMARY KEY(story_id, user_id)) STRICT, WITHOUT ROWID""",
)

STEPS: tuple[tuple[str, ...], ...] = (FIRST_TABLES, PREFERENCES, GROUPS)
"""Append only. A file that went through the first n of them says so in its `user_version`."""


class NewerFile(Exception):
    """The file went through steps that this program does not have."""


def migrate(connection: Any) -> None:
    """Take the file to the last step, in the caller's transaction. Raises NewerFile."""
    done = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if done > len(STEPS):
        raise NewerFile
    for step in STEPS[done:]:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(STEPS)}")
