"""Clips that were made here, found by what is left in a copy: the number in its pixels, or its fingerprint."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from pysqlite3 import dbapi2 as sqlite3

from engine.ledger.records import KnownClip
from engine.schema import Animated, Outcome

NEAR_BITS = 64
"""Copies of a clip are within this many of the fingerprint's 256 bits; other clips are further (docs/provenance.md)."""

_CLIP = "SELECT ended_at, outcome, manifest FROM jobs WHERE status = 'animated' AND "


class RegistryFile:
    """The registry beside a running engine, which owns the ledger. Where there is no ledger, nothing is known."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find_watermark(self, number: int) -> KnownClip | None:
        if not self._path.exists():
            return None
        with closing(open_reader(self._path)) as reader:
            return find_watermark(reader, number)

    async def find_fingerprint(self, fingerprint: bytes) -> KnownClip | None:
        return find_fingerprint(self._path, fingerprint) if self._path.exists() else None


def find_watermark(reader: Any, number: int) -> KnownClip | None:
    """The clip that carries this number, while its id is kept."""
    return _known(reader.execute(f"{_CLIP} watermark = ?", (number,)).fetchone())


def find_fingerprint(path: Path, fingerprint: bytes) -> KnownClip | None:
    """The nearest clip, where it is near enough to be a copy. Compares with all, so not on the event loop."""
    reader = open_reader(path)
    try:
        rows = reader.execute("SELECT number, fingerprint FROM jobs WHERE fingerprint IS NOT NULL").fetchall()
        found = nearest(fingerprint, [code for _, code in rows])
        if found is None:
            return None
        return _known(reader.execute(f"{_CLIP} number = ?", (rows[found[0]][0],)).fetchone())
    finally:
        reader.close()


def nearest(fingerprint: bytes, known: Sequence[bytes]) -> tuple[int, int] | None:
    """Which of the known ones is nearest and how many bits apart, where that is near enough to be a copy."""
    if not known:
        return None
    codes = np.frombuffer(b"".join(known), np.uint8).reshape(len(known), -1)
    apart = np.bitwise_count(codes ^ np.frombuffer(fingerprint, np.uint8)).sum(axis=1, dtype=np.uint16)
    best = int(apart.argmin())
    return (best, int(apart[best])) if apart[best] <= NEAR_BITS else None


def open_reader(path: Path) -> Any:
    """A connection that cannot write."""
    reader = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro",
        uri=True,
        timeout=10,
        isolation_level=None,
        check_same_thread=False,
    )
    reader.execute("PRAGMA query_only=ON")
    return reader


def _known(row: Any) -> KnownClip | None:
    if row is None:
        return None
    ended_at, outcome, manifest = row
    told: Outcome = msgspec.json.decode(outcome, type=Outcome)
    if not isinstance(told, Animated):
        return None
    return KnownClip(
        made_at=ended_at,
        renderer=told.renderer,
        digital_source_type=told.digital_source_type,
        manifest=manifest or b"",
    )
