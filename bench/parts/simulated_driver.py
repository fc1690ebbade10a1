"""A driver without Ray: workers of fixed job time, as many as are asked for, that speak `engine.fleet.cluster_words`.

`WorkerSettings.renderer` is "simulated SECONDS BYTES"; a prompt that begins with "lost" or "dies" loses its worker.
"""

from __future__ import annotations

import heapq
import itertools
import os
import threading
import time
from pathlib import Path

from engine.children import Link
from engine.fleet import Canceled, Done, Drawing
from engine.fleet.cluster_words import Away, Idle, Join, Joined, Lost, Sent, ToDriver, Word
from engine.media.clip import LabeledClip, Made

_PROGRESS_SECONDS = 2.0


def main(link: Link) -> None:
    join: Join = link.receive(Join)
    _, seconds, size = join.settings.renderer.split()
    link.send(Joined())
    for slot in range(join.workers):
        link.send(Idle(slot))
    _Simulation(link, seconds=float(seconds), clip=os.urandom(int(size))).run()


class _Simulation:
    """What happens when, in a heap; orders come in by a thread."""

    def __init__(self, link: Link, *, seconds: float, clip: bytes) -> None:
        self._link = link
        self._seconds = seconds
        self._clip = clip
        self._due: list[tuple[float, int, Sent]] = []
        self._began: dict[int, float] = {}
        self._ids = itertools.count()
        self._changed = threading.Condition()
        self._stopped: set[int] = set()

    def run(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > time.monotonic():
                    wait = self._due[0][0] - time.monotonic() if self._due else None
                    self._changed.wait(wait)
                _, _, sent = heapq.heappop(self._due)
            self._go_on(sent)

    def _listen(self) -> None:
        while True:
            message: ToDriver = self._link.receive(ToDriver)
            with self._changed:
                if isinstance(message, Sent):
                    self._began[message.number] = time.monotonic()
                    self._plan(message, 0.0)
                else:
                    self._stopped.add(message.number)
                self._changed.notify()

    def _plan(self, sent: Sent, seconds: float) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._ids), sent))

    def _go_on(self, sent: Sent) -> None:
        done = (time.monotonic() - self._began[sent.number]) / self._seconds
        verdict = sent.order.prompt.split()[0]
        if sent.number in self._stopped:
            self._end(sent, Word(number=sent.number, message=Canceled()))
        elif verdict in {"lost", "dies"} and sent.order.attempt == 1:
            self._link.send(Word(number=sent.number, message=Lost(machine=verdict == "lost")))
            self._link.send(Away(sent.slot))
            self._link.send(Idle(sent.slot))
        elif done >= 1:
            self._end(sent, Word(number=sent.number, message=Done(_clip()), content=self._clip))
        else:
            self._link.send(Word(number=sent.number, message=Drawing(done)))
            with self._changed:
                self._plan(sent, min(_PROGRESS_SECONDS, self._seconds * (1 - done) + 0.001))

    def _end(self, sent: Sent, word: Word) -> None:
        del self._began[sent.number]
        self._link.send(word)
        self._link.send(Idle(sent.slot))


def _clip() -> LabeledClip:
    return LabeledClip(
        path=Path("clip.mp4"),
        sha256="a" * 64,
        width=720,
        height=1280,
        duration_seconds=4.0,
        label="AI modified",
        renderer="simulated",
        digital_source_type="compositeWithTrainedAlgorithmicMedia",
        models=(),
        made=Made(),
    )
