import asyncio
import io
import os
import signal
import textwrap
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pillow_heif
import pytest
from PIL import Image

from engine import screening
from engine.children import Limits
from engine.errors import CheckFailed, ClipCheckFailed, PhotoRejected
from engine.gates.share import ShareFacts
from engine.media.clip import LabeledClip, Made
from engine.media.photo import Photo
from engine.schema import JobRequest, PhotoProblem, Reason, Stage
from engine.screening import Screening
from engine.verdicts import Allowed, Decision, PhotoFacts, Refusal, Screened

GATES = '''
    """Gates that do what the prompt says: the real messages around a small fault."""
    import os, signal, time
    from pathlib import Path
    from engine.schema import Reason, Stage
    from engine.screening import *
    from engine.verdicts import *

    def main(link):
        settings = link.receive(GateSettings)
        link.send(GatesReady(policy_version=settings.policy["version"], switched_off=("nsfw",)))
        while True:
            question = link.receive(Question)
            match getattr(question, "prompt", "") or question.facts.owner:
                case "die": os._exit(3)
                case "hang": time.sleep(60)
                case "raise": link.send(GateRaised("ValueError: somewhere")); continue
                case "die once":
                    if not Path("died").exists():
                        Path("died").touch()
                        os._exit(3)
            verdict = Allowed() if getattr(question, "jpeg", b"x") else Refusal(reason=Reason.SEXUAL, gate="g")
            decision = Decision(stage=Stage.PROMPT, gate="g", verdict=verdict, score=0.5, policy_version="1")
            link.send(Judged(Screened(verdict=verdict, decisions=(decision,), facts=PhotoFacts(nsfw=0.1))))
'''


class Policy(msgspec.Struct, frozen=True):
    version: str = "today"


@pytest.fixture
def open_door(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faulty_gates.py").write_text(textwrap.dedent(GATES))

    @asynccontextmanager
    async def open_with(**options: float):
        door = Screening(
            **(
                {"models": tmp_path, "policy": Policy(), "decoders": 1, "gate_module": "faulty_gates"}
                | options
            )
        )
        async with asyncio.timeout(60), door:
            yield door

    return open_with


PHOTO = Photo(jpeg=b"a clean photo", width=100, height=100, sha256="0" * 64)


def request(prompt: str) -> JobRequest:
    return JobRequest(
        job_id="00000000-0000-0000-0000-000000000000",
        prompt=prompt,
        locale="en",
        requester="a" * 16,
        reply_to="b" * 16,
    )


def share_facts(owner: str) -> ShareFacts:
    return ShareFacts(
        expected_sha256="",
        actual_sha256="",
        owner=owner,
        requester=owner,
        policy_version="1",
        labelled=True,
        signed=True,
    )


async def until_ready(door: Screening) -> None:
    while not door.ready:
        await asyncio.sleep(0.02)


def jpeg_of(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "JPEG")
    return buffer.getvalue()


def scan_bomb(scans: int) -> bytes:
    """A progressive JPEG whose last scan is repeated: small to send, minutes to decode."""
    buffer = io.BytesIO()
    Image.new("RGB", (6900, 6900), (90, 120, 30)).save(buffer, "JPEG", progressive=True, quality=50)
    data = buffer.getvalue()
    last = data.rfind(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + b"\xff\xd9"


async def test_a_photo_is_read_in_a_child(open_door):
    async with open_door() as door:
        photo = await door.read_photo(jpeg_of(300, 200))

    assert (photo.width, photo.height) == (300, 200)
    assert photo.jpeg.startswith(b"\xff\xd8")


async def test_a_heic_is_read_within_the_limits_too(open_door):
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.effect_noise((800, 600), 60).convert("RGB")).save(buffer)

    async with open_door() as door:
        assert (await door.read_photo(buffer.getvalue())).width == 800


async def test_many_photos_at_once_are_all_read(open_door):
    async with open_door() as door:
        photos = await asyncio.gather(*(door.read_photo(jpeg_of(100 + n, 100)) for n in range(5)))

    assert [photo.width for photo in photos] == [100, 101, 102, 103, 104]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", PhotoProblem.EMPTY),
        (b"words", PhotoProblem.NOT_AN_IMAGE),
        (bytes(20_000_001), PhotoProblem.TOO_MANY_BYTES),
    ],
)
async def test_what_is_no_photo_is_rejected(open_door, data, problem):
    async with open_door() as door:
        with pytest.raises(PhotoRejected) as rejected:
            await door.read_photo(data)

    assert rejected.value.problem is problem


async def test_a_scan_bomb_is_stopped_by_its_cpu_limit(open_door, monkeypatch):
    monkeypatch.setattr(
        screening, "DECODE_LIMITS", msgspec.structs.replace(screening.DECODE_LIMITS, cpu_seconds=1)
    )
    async with open_door(decode_seconds=50) as door:
        with pytest.raises(PhotoRejected) as rejected:
            await door.read_photo(scan_bomb(400))

        assert rejected.value.problem is PhotoProblem.TOO_COMPLEX
        assert (await door.read_photo(jpeg_of(100, 100))).width == 100


async def test_a_scan_bomb_is_stopped_by_the_clock(open_door):
    async with open_door(decode_seconds=0.3) as door:
        with pytest.raises(PhotoRejected) as rejected:
            await door.read_photo(scan_bomb(400))

    assert rejected.value.problem is PhotoProblem.TOO_COMPLEX


async def test_a_photo_that_needs_too_much_memory_is_too_complex(open_door, monkeypatch):
    monkeypatch.setattr(screening, "DECODE_LIMITS", Limits(address_space_bytes=300_000_000))
    buffer = io.BytesIO()
    Image.new("RGB", (7000, 7000)).save(buffer, "PNG")

    async with open_door() as door:
        with pytest.raises(PhotoRejected) as rejected:
            await door.read_photo(buffer.getvalue())

    assert rejected.value.problem is PhotoProblem.TOO_COMPLEX


async def test_a_decode_child_that_died_while_it_waited_costs_no_photo(open_door):
    async with open_door() as door:
        await until_ready(door)
        (kept,) = door._decoders._kept
        waiting = await kept.warm_child()
        os.kill(waiting.pid, signal.SIGKILL)
        await waiting.ended()

        assert (await door.read_photo(jpeg_of(100, 100))).width == 100


async def test_the_gates_answer(open_door):
    async with open_door() as door:
        allowed = await door.check_request(request("snow"), PHOTO)
        refused = await door.check_request(request("snow"), Photo(jpeg=b"", width=1, height=1, sha256=""))

    assert allowed == Screened(
        verdict=Allowed(),
        decisions=(Decision(stage=Stage.PROMPT, gate="g", verdict=Allowed(), score=0.5, policy_version="1"),),
        facts=PhotoFacts(nsfw=0.1),
    )
    assert refused.verdict == Refusal(reason=Reason.SEXUAL, gate="g")


async def test_what_the_gates_are_is_known_once_they_are_loaded(open_door):
    async with open_door() as door:
        assert (door.ready, door.policy_version, door.switched_off) == (False, "", ())

        await until_ready(door)

        assert (door.policy_version, door.switched_off) == ("today", ("nsfw",))


async def test_while_one_gate_child_is_busy_the_other_one_answers(open_door):
    async with open_door(gate_children=2, check_seconds=5.0) as door:
        await until_ready(door)
        hanging = asyncio.create_task(door.check_request(request("hang"), PHOTO))
        await asyncio.sleep(0)

        answered = await asyncio.gather(*(door.check_request(request("snow"), PHOTO) for _ in range(4)))

        assert not hanging.done()
        hanging.cancel()
        await asyncio.wait([hanging])
    assert all(isinstance(screened.verdict, Allowed) for screened in answered)


async def test_a_photo_that_takes_its_fork_down_costs_the_next_one_nothing(open_door, monkeypatch):
    monkeypatch.setattr(screening, "DECODE_LIMITS", Limits(address_space_bytes=100_000_000))
    async with open_door() as door:
        await until_ready(door)
        (kept,) = door._decoders._kept
        before = (await kept.warm_child()).pid

        with pytest.raises(PhotoRejected):
            await door.read_photo(jpeg_of(6000, 6000))
        small = await door.read_photo(jpeg_of(100, 100))

        assert small.width == 100
        assert (await kept.warm_child()).pid == before


async def test_gates_that_die_once_are_asked_again(open_door):
    async with open_door() as door:
        assert (await door.check_request(request("die once"), PHOTO)).verdict == Allowed()


@pytest.mark.parametrize("prompt", ["die", "hang", "raise"])
async def test_no_answer_is_never_a_yes_and_the_next_question_is_answered(open_door, prompt):
    async with open_door(check_seconds=2.5) as door:
        with pytest.raises(CheckFailed):
            await door.check_request(request(prompt), PHOTO)

        assert (await door.check_request(request("snow"), PHOTO)).verdict == Allowed()


async def test_a_clip_that_cannot_be_checked_is_a_fault(open_door, monkeypatch):
    clip = LabeledClip(
        path=Path("clip.mp4"),
        sha256="0" * 64,
        width=96,
        height=160,
        duration_seconds=0.5,
        label="AI modified",
        renderer="scene",
        digital_source_type="compositeWithTrainedAlgorithmicMedia",
        models=(),
        made=Made(),
    )
    async with open_door() as door:
        with pytest.raises(ClipCheckFailed):  # these gates know no clips, and die over one
            await door.check_clip(clip, Path("photo.jpg"), PhotoFacts())


async def test_a_share_is_asked_of_the_gates(open_door):
    async with open_door() as door:
        assert (await door.check_share(share_facts("somebody"))).verdict == Allowed()
        with pytest.raises(CheckFailed):
            await door.check_share(share_facts("die"))


async def test_questions_from_many_are_answered_one_after_another(open_door):
    async with open_door() as door:
        answers = await asyncio.gather(*(door.check_request(request("snow"), PHOTO) for _ in range(20)))

    assert {type(answer.verdict) for answer in answers} == {Allowed}


async def test_a_question_that_nobody_waits_for_does_not_mix_up_the_answers(open_door):
    async with open_door() as door:
        await until_ready(door)
        left = asyncio.create_task(door.check_request(request("hang"), PHOTO))
        await asyncio.sleep(0.1)
        left.cancel()

        assert (await door.check_request(request("snow"), PHOTO)).verdict == Allowed()


async def test_without_gates_the_door_says_not_now(open_door):
    async with open_door(gate_module="no_such_module", check_seconds=0.5) as door:
        with pytest.raises(CheckFailed):
            await door.check_request(request("snow"), PHOTO)

        assert not door.ready
