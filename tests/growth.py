"""How much longer something takes for four times as much, in CPU time: about 4 where it is linear, 16 where it is quadratic."""

import time
from collections.abc import Callable

LINEAR = 10.0
"""Between the two, with room for a busy machine."""


def growth(work: Callable[[int], object], size: int) -> float:
    """`work` takes a size; `size` is the larger one. The best of five runs each, in turns."""
    small, large = [], []
    for _ in range(5):
        small.append(_seconds(work, size // 4))
        large.append(_seconds(work, size))
    return min(large) / max(min(small), 1e-5)


def _seconds(work: Callable[[int], object], size: int) -> float:
    started = time.process_time()
    work(size)
    return time.process_time() - started
