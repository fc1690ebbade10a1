"""A copy of a clip is known by its number or its fingerprint, as long as anything is kept of the clip."""

from pathlib import Path

import pytest

from engine.ledger import KnownClip, Ledger
from engine.ledger.registry import nearest
from engine.schema import JobStatus
from tests.unit.engine.ledger.conftest import Clock, a_request, a_signed_clip, queue

CODE = bytes(range(32))
NUMBER = 2**48 - 1


async def animate(
    ledger: Ledger, path: Path, requester: str = "ann-hash", **marks: object
) -> JobStatus | None:
    request = a_request(requester)
    await queue(ledger, request)
    job = await ledger.write(lambda verbs: verbs.claim())
    clip = a_signed_clip(path, **marks)
    return await ledger.write(lambda verbs: verbs.finish(request.job_id, job.attempt, clip))


@pytest.fixture
async def known(ledger: Ledger, tmp_path: Path, clock: Clock) -> KnownClip:
    await animate(ledger, tmp_path, watermark=NUMBER, fingerprint=CODE)
    await animate(ledger, tmp_path, watermark=7, fingerprint=bytes(32))
    return KnownClip(
        made_at=int(clock() * 1000),
        renderer="scene",
        digital_source_type="compositeWithTrainedAlgorithmicMedia",
        manifest=b"manifest",
    )


def flipped(code: bytes, count: int) -> bytes:
    return (int.from_bytes(code) ^ ((1 << count) - 1)).to_bytes(32)


async def test_a_clip_is_found_by_its_number(ledger: Ledger, known: KnownClip) -> None:
    assert ledger.find_watermark(NUMBER) == known
    assert ledger.find_watermark(8) is None


async def test_a_copy_is_found_by_a_fingerprint_that_is_near(ledger: Ledger, known: KnownClip) -> None:
    assert await ledger.find_fingerprint(flipped(CODE, 40)) == known
    assert await ledger.find_fingerprint(bytes([0xFF]) * 32) is None


async def test_an_erased_clip_is_found_no_more(ledger: Ledger, known: KnownClip) -> None:
    await ledger.write(lambda verbs: verbs.erase("ann-hash"))

    assert ledger.find_watermark(NUMBER) is None
    assert await ledger.find_fingerprint(CODE) is None


async def test_a_clip_past_its_time_is_found_no_more(ledger: Ledger, known: KnownClip, clock: Clock) -> None:
    clock.seconds += 10
    await ledger.write(lambda verbs: verbs.sweep(clip_ms=1, prompt_ms=1, id_ms=1))

    assert ledger.find_watermark(NUMBER) is None
    assert await ledger.find_fingerprint(CODE) is None


async def test_two_clips_with_one_number_both_end_and_the_first_is_known(
    ledger: Ledger, known: KnownClip, tmp_path: Path, clock: Clock
) -> None:
    clock.seconds += 10
    status = await animate(ledger, tmp_path, "bob-hash", watermark=NUMBER)

    assert status is JobStatus.ANIMATED
    assert ledger.find_watermark(NUMBER) == known


def test_the_nearest_of_many_is_named_with_its_distance() -> None:
    assert nearest(CODE, [bytes(32), flipped(CODE, 30), flipped(CODE, 12)]) == (2, 12)
    assert nearest(CODE, [flipped(CODE, 65)]) is None
    assert nearest(CODE, []) is None
