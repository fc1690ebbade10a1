"""What runs on a machine of the cluster: one warm renderer in a Ray actor, one clip after another. It holds no signing key."""

from __future__ import annotations

import importlib
import os
import queue
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from engine.children.wire import message_in, packed
from engine.errors import ConfigError
from engine.fleet import Done, FromWorker, Progress, Ready, RenderOrder, Unusable, WorkerSettings
from engine.fleet.serving import MakeClip, carry_out

MODELS = "ZOETROPE_MODELS"
"""The environment variable that names this machine's folder with weights; `engine cluster join` sets it."""


class RenderActor:
    """Ray makes an actor of it (`driver`). Everything crosses as bytes of ours: Ray pickles nothing but those."""

    def __init__(self) -> None:
        self._work = Path(tempfile.mkdtemp(prefix="zoetrope-work-"))
        self._canceled: set[int] = set()
        self._make: MakeClip | None = None

    def warm_up(self, settings: bytes, module: str) -> bytes:
        """Ready or Unusable."""
        here: WorkerSettings = message_in(settings, WorkerSettings)
        models = Path(os.environ.get(MODELS, here.models))
        here = msgspec.structs.replace(here, models=models, work=self._work)
        try:
            name, self._make = importlib.import_module(module).prepare(here)
        except ConfigError as error:
            return packed(Unusable(str(error)))
        return packed(Ready(name))

    def process(self) -> int:
        return os.getpid()

    def watch(self) -> None:
        """Never returns: whoever waits for it hears of this actor's end."""
        threading.Event().wait()

    def stop(self, number: int) -> None:
        self._canceled.add(number)

    def render(self, number: int, sent: bytes, photo: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Each message of the worker, and the clip beside the last one. Photo and clip are gone afterwards."""
        assert self._make is not None, "warm it up first"
        photo_path = self._work / "photo.jpg"
        photo_path.write_bytes(photo)
        order = msgspec.structs.replace(message_in(sent, RenderOrder), photo_path=photo_path)
        told: queue.SimpleQueue[FromWorker] = queue.SimpleQueue()
        threading.Thread(target=self._carry_out, args=(number, order, told), daemon=True).start()
        while True:
            message = told.get()
            last = not isinstance(message, Progress)
            yield packed(message), _take(message)
            if last:
                break
        photo_path.unlink(missing_ok=True)
        self._canceled.discard(number)

    def _carry_out(self, number: int, order: RenderOrder, told: queue.SimpleQueue[FromWorker]) -> None:
        assert self._make is not None
        told.put(carry_out(order, lambda: number in self._canceled, told.put, self._make))


def _take(message: FromWorker) -> bytes:
    if not isinstance(message, Done):
        return b""
    content = message.clip.path.read_bytes()
    message.clip.path.unlink()
    return content
