"""What operators decide stands in the ledger, survives a start, and is counted."""

import pytest

from engine.errors import Conflict, NotFound, Suspended, TooManyRefusals
from engine.ledger import Ledger, Limits
from engine.schema import DecisionRequest, OperatorDecision, Reason, Stage
from engine.verdicts import Decision, Refusal
from tests.unit.engine.ledger.conftest import a_request

LIMITS = Limits(depth=20, queued_per_requester=5, running_per_requester=2, refusals=3, refusals_minutes=10)
REFUSAL = Refusal(reason=Reason.VIOLENCE, gate="test", score=1.0)
DECISIONS = (Decision(stage=Stage.PROMPT, gate="test", verdict=REFUSAL, score=1.0, policy_version="1"),)


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


async def refuse(ledger: Ledger, requester: str) -> str:
    request = a_request(requester)
    await ledger.write(lambda verbs: verbs.record_answer(request, "digest", REFUSAL, DECISIONS))
    return request.job_id


async def test_three_refusals_in_a_row_pause_for_as_long(tmp_path) -> None:
    clock = Clock()
    async with Ledger(tmp_path / "engine.sqlite", limits=LIMITS, now=clock) as ledger:
        for _ in range(3):
            ledger.admit("ann-hash")
            await refuse(ledger, "ann-hash")
        with pytest.raises(TooManyRefusals) as paused:
            ledger.admit("ann-hash")
        ledger.admit("bob-hash")
        clock.seconds += 601
        ledger.admit("ann-hash")

    assert paused.value.retry_after_seconds == pytest.approx(600)


async def test_a_suspension_holds_until_its_end_and_over_a_start(tmp_path) -> None:
    clock = Clock()
    path = tmp_path / "engine.sqlite"
    async with Ledger(path, limits=LIMITS, now=clock) as ledger:
        until = int((clock() + 60) * 1000)
        await ledger.write(lambda verbs: verbs.suspend("ann-hash", until_ms=until))
    async with Ledger(path, limits=LIMITS, now=clock) as ledger:
        with pytest.raises(Suspended):
            ledger.admit("ann-hash")
        clock.seconds += 61
        ledger.admit("ann-hash")
        await ledger.write(lambda verbs: verbs.suspend("ann-hash", until_ms=None))
        with pytest.raises(Suspended):
            ledger.admit("ann-hash")
        await ledger.write(lambda verbs: verbs.lift("ann-hash"))
        ledger.admit("ann-hash")


async def test_an_appeal_is_the_makers_and_counts_once(tmp_path) -> None:
    async with Ledger(tmp_path / "engine.sqlite", limits=LIMITS) as ledger:
        job_id = await refuse(ledger, "ann-hash")
        with pytest.raises(NotFound):
            await ledger.write(lambda verbs: verbs.appeal(job_id, "bob-hash"))
        await ledger.write(lambda verbs: verbs.appeal(job_id, "ann-hash"))
        with pytest.raises(Conflict):
            await ledger.write(lambda verbs: verbs.appeal(job_id, "ann-hash"))
        figures = ledger.figures(days=1)

    assert figures.refusals == {"violence": 1}
    assert figures.appeals == 1


async def test_only_a_clip_can_be_decided_on(tmp_path) -> None:
    keep = DecisionRequest(decision=OperatorDecision.KEEP, operator="operator-hash")
    async with Ledger(tmp_path / "engine.sqlite", limits=LIMITS) as ledger:
        job_id = await refuse(ledger, "ann-hash")
        with pytest.raises(NotFound):
            await ledger.write(lambda verbs: verbs.decide(job_id, keep))


async def test_a_pause_survives_a_start(tmp_path) -> None:
    path = tmp_path / "engine.sqlite"
    async with Ledger(path, limits=LIMITS) as ledger:
        await ledger.write(lambda verbs: verbs.pause(on=True))
    async with Ledger(path, limits=LIMITS) as ledger:
        assert ledger.paused
        await ledger.write(lambda verbs: verbs.pause(on=False))
        assert not ledger.paused
