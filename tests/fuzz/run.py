"""`python -m tests.fuzz.run TARGET --executions N --seed S`: foreign bytes for one border, or `all`; ends with 1 for a bug.

With `--engine atheris` (pip install atheris) the coverage of our own code guides it; the default mutates good inputs at
random, needs nothing, and gives the same bytes for the same seed. See docs/decisions/0018.
"""

from __future__ import annotations

import argparse
import inspect
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

import engine.api.bodies
import engine.media.photo
import engine.prompts.normalise
import engine.prompts.reading
import handlers.buttons
from tests.fuzz.targets import TARGETS, Target

MOST_BYTES = 65_536
_INTERESTING = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"-1",
    b"9" * 30,
)


def mutated(data: bytes, words: tuple[bytes, ...], rng: random.Random) -> bytes:
    """One to eight small changes, as fuzzers do: flips, runs, cuts, repeats, words of the format."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(7):
            case 0 if changed:
                changed[at % len(changed)] ^= 1 << rng.randrange(8)
            case 1 if changed:
                changed[at % len(changed)] = rng.randrange(256)
            case 2:
                del changed[at : at + rng.choice((1, 2, 4, 64))]
            case 3:
                changed[at:at] = changed[at : at + rng.choice((1, 4, 32, 256))]
            case 4:
                word = rng.choice((*words, *_INTERESTING))
                changed[at : at + rng.choice((0, len(word)))] = word
            case 5:
                del changed[at:]
            case _:
                changed[at:at] = rng.randbytes(rng.choice((1, 2, 8, 32)))
    return bytes(changed[:MOST_BYTES])


def fuzz(target: Target, *, executions: int, seed: int) -> bytes | None:
    """The first input that raised what it may not, or None."""
    rng = random.Random(seed)
    seeds = target.seeds()
    for number in range(executions):
        data = seeds[number] if number < len(seeds) else mutated(rng.choice(seeds), target.words, rng)
        try:
            target.feed(data)
        except Exception:  # noqa: BLE001  # whatever it is, it is what is looked for
            traceback.print_exc()
            return data
        if number % 97 == 0 and len(seeds) < 4096:
            seeds.append(data)  # changes pile up
    return None


def guided(name: str, target: Target, *, executions: int, seed: int) -> None:
    """libFuzzer's own loop; it ends the process."""
    import atheris

    for module in (
        engine.media.photo,
        engine.prompts.reading,
        engine.prompts.normalise,
        engine.api.bodies,
        handlers.buttons,
    ):
        for part in vars(module).values():
            if inspect.isfunction(part) and part.__module__ == module.__name__:
                atheris.instrument_func(part)
    corpus = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    for number, data in enumerate(target.seeds()):
        (corpus / str(number)).write_bytes(data)
    atheris.Setup(
        [
            "fuzz",
            f"-runs={executions}",
            f"-seed={seed}",
            f"-max_len={MOST_BYTES}",
            "-rss_limit_mb=3000",
            str(corpus),
        ],
        target.feed,
    )
    atheris.Fuzz()


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("target", choices=[*TARGETS, "all"])
    asked.add_argument("--executions", type=int, default=20_000)
    asked.add_argument("--seed", type=int, default=random.randrange(2**31))
    asked.add_argument("--engine", choices=["own", "atheris"], default="own")
    asked = asked.parse_args()
    worst = 0
    for name in TARGETS if asked.target == "all" else [asked.target]:
        began = time.process_time()
        if asked.engine == "atheris":
            guided(name, TARGETS[name], executions=asked.executions, seed=asked.seed)
        found = fuzz(TARGETS[name], executions=asked.executions, seed=asked.seed)
        seconds = time.process_time() - began
        print(f"{name:<10} {asked.executions} executions, seed {asked.seed}, {seconds:.0f} CPU s: ", end="")
        print("no surprise" if found is None else f"SURPRISE for {found[:200]!r}")
        if found is not None:
            Path(f"fuzz-{name}.bin").write_bytes(found)
            worst = 1
    return worst


if __name__ == "__main__":
    sys.exit(main())
