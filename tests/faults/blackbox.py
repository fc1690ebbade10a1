"""A disk that loses power: what was written and not synced is dropped or torn, sector by sector, in any order.

An apsw VFS keeps, for every file, what is on the platter for sure and what is only on its way there. At a random write, sync or truncation the
light goes out: of what is on its way each sector arrives or does not. The code under test is the real one; only the library below it is swapped, by a
`connect` that looks like pysqlite3's. The database is locked exclusively, so that its log needs no shared memory, which no VFS in Python has.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw

SECTOR_BYTES = 512
EARLY_CHECKPOINT = "PRAGMA wal_autocheckpoint=30"
"""Every 30 pages instead of every thousand: many of the cuts shall meet one."""


class Platter:
    """One file: its bytes for sure, and the writes and truncations since the last sync, in order."""

    def __init__(self) -> None:
        self.sure = bytearray()
        self.on_their_way: list[tuple[int, bytes | None]] = []

    def sync(self) -> None:
        for place, data in self.on_their_way:
            _apply(self.sure, place, data)
        self.on_their_way.clear()

    def after_a_cut(self, chance: random.Random) -> bytes:
        image = bytearray(self.sure)
        for place, data in self.on_their_way:
            pieces = [(place, None)] if data is None else _sectors(place, data)
            for at, piece in pieces:
                if chance.random() < 0.5:
                    _apply(image, at, piece)
        return bytes(image)


class Disk(apsw.VFS):
    """Counts operations; at number `cut_at` it takes `images`, and calls `at_the_cut`. It goes on working after that."""

    def __init__(self, *, chance: random.Random, cut_at: int, at_the_cut: Callable[[], None]) -> None:
        self.name = f"cut-{id(self)}"
        self.platters: dict[str, Platter] = {}
        self.images: dict[str, bytes] | None = None
        self._chance, self._cut_at, self._at_the_cut = chance, cut_at, at_the_cut
        self._done = 0
        super().__init__(self.name, "")

    @property
    def is_cut(self) -> bool:
        return self.images is not None

    def count(self) -> None:
        self._done += 1
        if self._done == self._cut_at:
            self.images = {name: platter.after_a_cut(self._chance) for name, platter in self.platters.items()}
            self._at_the_cut()

    def write_images(self, folder: Path) -> None:
        """What the next start finds."""
        assert self.images is not None
        folder.mkdir()
        for name, image in self.images.items():
            (folder / name).write_bytes(image)

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.platters.pop(Path(filename).name, None)
        super().xDelete(filename, syncdir)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._disk = disk
        self._platter = disk.platters.setdefault(Path(path).name, Platter()) if path else Platter()
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._platter.on_their_way.append((offset, bytes(data)))
        self._disk.count()
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._platter.on_their_way.append((size, None))
        self._disk.count()
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._disk.count()  # before: the cut may come while the disk is still at it
        self._platter.sync()
        super().xSync(flags)


class Row(Sequence[Any]):
    """As `sqlite3.Row`: by number and by name."""

    def __init__(self, names: tuple[str, ...], values: tuple[Any, ...]) -> None:
        self._names, self._values = names, values

    def keys(self) -> tuple[str, ...]:
        return self._names

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, key: Any) -> Any:
        return self._values[self._names.index(key) if isinstance(key, str) else key]


class Connection:
    """As much of pysqlite3's connection as the ledger and the bot use. `synchronous` replaces what they ask for."""

    def __init__(self, path: Path, disk: Disk, *, synchronous: str = "FULL") -> None:
        self.row_factory: Any = None
        self.isolation_level = None
        self._synchronous = synchronous
        self._inner = apsw.Connection(str(path), vfs=disk.name)
        self._inner.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
        self._inner.execute(EARLY_CHECKPOINT).fetchall()

    @property
    def in_transaction(self) -> bool:
        return bool(self._inner.in_transaction)

    def execute(self, sql: str, values: Any = ()) -> Cursor:
        asked = sql.replace(" ", "").lower()
        if asked == "pragmasynchronous=full":
            sql = f"PRAGMA synchronous={self._synchronous}"
        elif asked.startswith("pragmawal_autocheckpoint"):
            sql = EARLY_CHECKPOINT
        return Cursor(
            self._inner, self._inner.execute(sql, values or None), named=self.row_factory is not None
        )

    def cursor(self) -> Connection:
        return self

    def close(self) -> None:
        self._inner.close()


class Cursor:
    def __init__(self, connection: apsw.Connection, inner: apsw.Cursor, *, named: bool) -> None:
        self._inner, self._named = inner, named
        self.rowcount, self.lastrowid = connection.changes(), connection.last_insert_rowid()
        try:
            self._names = tuple(name for name, _ in inner.get_description())
        except apsw.ExecutionCompleteError:
            self._names = ()
        self.description = [(name, *(None,) * 6) for name in self._names]

    def __iter__(self) -> Iterator[Any]:
        return (self._row(values) for values in self._inner)

    def fetchone(self) -> Any:
        return next(iter(self), None)

    def fetchall(self) -> list[Any]:
        return list(self)

    def close(self) -> None:
        self._inner.close()

    def _row(self, values: Any) -> Any:
        return Row(self._names, tuple(values)) if self._named else tuple(values)


def _sectors(place: int, data: bytes) -> list[tuple[int, bytes | None]]:
    return [
        (place + start, data[start : start + SECTOR_BYTES]) for start in range(0, len(data), SECTOR_BYTES)
    ]


def _apply(image: bytearray, place: int, data: bytes | None) -> None:
    """A write, or, where there is no data, a truncation to `place` bytes."""
    if data is None:
        del image[place:]
        image.extend(bytes(place - len(image)))
        return
    image.extend(bytes(max(0, place - len(image))))
    image[place : place + len(data)] = data
