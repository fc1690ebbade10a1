"""The loop of a worker: one order after another, progress while it is at work, an open ear for a cancel."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from functools import partial

from engine.children import Link, error_place
from engine.errors import PoorClip
from engine.fleet import (
    Cancel,
    Canceled,
    Done,
    Failed,
    FromWorker,
    Progress,
    Ready,
    RenderOrder,
    ToWorker,
)
from engine.media.clip import LabeledClip

Tell = Callable[[Progress], None]
"""Takes how far the clip is; raises CancelRequested where the job is to stop."""

MakeClip = Callable[[RenderOrder, Tell], LabeledClip]

_PROGRESS_EVERY_SECONDS = 0.25


class CancelRequested(BaseException):
    """The engine wants this job stopped. No library that catches Exception may swallow it."""


def serve(link: Link, make: MakeClip, *, renderer: str = "") -> None:
    """Take orders until the engine hangs up. After a failure that poisons the process, end it."""
    inbox = Inbox(link)
    link.send(Ready(renderer))
    while True:
        order = inbox.next_order()
        reply = carry_out(order, partial(inbox.is_canceled, order), link.send, make)
        inbox.forget(order)
        link.send(reply)
        if isinstance(reply, Failed) and reply.poisoned:
            return


class Inbox:
    """Orders, and what was canceled since; read by a thread, so that a cancel is heard while frames are made."""

    def __init__(self, link: Link) -> None:
        self._orders: queue.SimpleQueue[RenderOrder] = queue.SimpleQueue()
        self._canceled: set[str] = set()
        threading.Thread(target=self._read, args=(link,), daemon=True).start()

    def next_order(self) -> RenderOrder:
        return self._orders.get()

    def is_canceled(self, order: RenderOrder) -> bool:
        return order.job_id in self._canceled

    def forget(self, order: RenderOrder) -> None:
        """This order alone: a cancel of the next one may be here already."""
        self._canceled.discard(order.job_id)

    def _read(self, link: Link) -> None:
        try:
            while True:
                message: ToWorker = link.receive(ToWorker)
                if isinstance(message, Cancel):
                    self._canceled.add(message.job_id)
                else:
                    self._orders.put(message)
        finally:
            os._exit(0)  # the engine hung up: whatever the main thread does now is for nobody


def carry_out(
    order: RenderOrder, is_canceled: Callable[[], bool], send: Callable[[Progress], None], make: MakeClip
) -> FromWorker:
    """The worker's last word on the order; what comes before it is sent, but not too often."""
    told, last = 0.0, ""

    def tell(progress: Progress) -> None:
        nonlocal told, last
        if is_canceled():
            raise CancelRequested
        what = f"{type(progress).__name__} {getattr(progress, 'step', 0)}"
        if what != last or progress.fraction >= 1.0 or time.monotonic() - told >= _PROGRESS_EVERY_SECONDS:
            told, last = time.monotonic(), what
            send(progress)

    try:
        return Done(make(order, tell))
    except CancelRequested:
        return Canceled()
    except Exception as error:  # noqa: BLE001 - whatever a renderer raises is a fault of this job, told by its place
        return Failed(place=error_place(error), poisoned=_poisons(error), poor=isinstance(error, PoorClip))


def _poisons(error: Exception) -> bool:
    """True where the process cannot be trusted any more.

    After a device-side assert or an illegal access every later CUDA call of the process fails; a clean
    out-of-memory does not poison the device, but the process is as large as it was: it goes too.
    """
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ in {"OutOfMemoryError", "AcceleratorError"}
        or (isinstance(error, RuntimeError) and "CUDA" in str(error))
    )
