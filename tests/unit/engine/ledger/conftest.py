"""A real ledger in a temporary folder, with a clock that the test sets."""

import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.ledger import Ledger, Limits
from engine.media.clip import CheckedClip, LabeledClip, Made, SignedClip
from engine.schema import JobRequest, Stage
from engine.verdicts import Allowed, Decision, PhotoFacts, Screened

LIMITS = Limits(depth=10, queued_per_requester=4, running_per_requester=2)
_numbers = itertools.count(1)


@dataclass
class Clock:
    seconds: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Callable[[], Ledger]:
    """A ledger on the same file, each time it is called."""
    return lambda: Ledger(tmp_path / "engine.sqlite", limits=LIMITS, now=clock)


@pytest.fixture
async def ledger(opened: Callable[[], Ledger]) -> AsyncIterator[Ledger]:
    async with opened() as ledger:
        yield ledger
        assert await ledger.write(lambda verbs: verbs.check()) == []


def a_request(requester: str = "ann-hash", job_id: str | None = None, prompt: str = "snow") -> JobRequest:
    number = next(_numbers)
    return JobRequest(
        job_id=job_id or f"00000000-0000-4000-8000-{number:012x}",
        prompt=prompt,
        locale="en",
        requester=requester,
        reply_to=f"reply-{number:08d}",
    )


async def queue(ledger: Ledger, request: JobRequest) -> bool:
    return await ledger.write(
        lambda verbs: verbs.accept(request, "digest", request.job_id, PhotoFacts(), (a_decision(),), 7)
    )


def a_decision() -> Decision:
    return Decision(stage=Stage.PROMPT, gate="concepts", verdict=Allowed(), score=0.0, policy_version="1")


def a_signed_clip(
    path: Path,
    *,
    not_possible: tuple[str, ...] = (),
    watermark: int | None = None,
    fingerprint: bytes | None = None,
) -> SignedClip:
    labeled = LabeledClip(
        path=path,
        sha256="a" * 64,
        width=96,
        height=160,
        duration_seconds=0.5,
        label="AI modified",
        renderer="scene",
        digital_source_type="compositeWithTrainedAlgorithmicMedia",
        models=(),
        made=Made(moved=("snow",), not_possible=not_possible),
        watermark=watermark,
    )
    checked = CheckedClip(labeled=labeled, screened=Screened(verdict=Allowed(), decisions=()))
    return SignedClip(
        checked=checked,
        path=path,
        sha256="b" * 64,
        size_bytes=1000,
        manifest=b"manifest",
        fingerprint=fingerprint,
    )
