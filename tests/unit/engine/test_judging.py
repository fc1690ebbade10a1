"""The judge's child: asked for what is in doubt, and no answer is never a yes."""

import asyncio
import textwrap
from contextlib import asynccontextmanager

import msgspec
import pytest

from engine.classifiers.judges import JudgeSettings
from engine.errors import CheckFailed, ConfigError
from engine.judging import Judging, look_over_judge
from engine.media.photo import Photo
from engine.schema import JobRequest
from engine.screening import Screening
from engine.verdicts import Allowed, Refusal

GATES = '''
    """Gates whose doubt is the prompt's last word."""
    from engine.schema import Stage
    from engine.screening import *
    from engine.verdicts import *

    def main(link):
        link.receive(GateSettings)
        link.send(GatesReady(policy_version="1", switched_off=()))
        while True:
            question = link.receive(Question)
            score = float(question.prompt.split()[-1])
            decision = Decision(
                stage=Stage.PROMPT, gate="prompt.meaning", verdict=Allowed(), score=score, policy_version="1"
            )
            link.send(Judged(Screened(verdict=Allowed(), decisions=(decision,))))
'''

JUROR = '''
    """A judge that does what the caption says: the real messages around a small fault."""
    import os, time
    from pathlib import Path
    from engine.classifiers.judges import Asked
    from engine.judging import *

    def main(link):
        link.receive(JudgeStart)
        link.send(JudgeReady())
        while True:
            match link.receive(Asked).caption.split()[0]:
                case "harm": link.send(Word(0.9))
                case "fine": link.send(Word(0.0))
                case "raise": link.send(NoWord("ValueError: somewhere"))
                case "hang": time.sleep(60)
                case "die": os._exit(3)
'''


class Policy(msgspec.Struct, frozen=True):
    version: str = "today"


@pytest.fixture
def open_door(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "doubting_gates.py").write_text(textwrap.dedent(GATES))
    (tmp_path / "faulty_juror.py").write_text(textwrap.dedent(JUROR))

    @asynccontextmanager
    async def open_with(seconds: float = 20.0):
        settings = JudgeSettings(
            kind="qwen3guard", seconds=seconds
        )  # the kind without a sandbox: ours lies anywhere
        judging = Judging(settings, models=tmp_path, module="faulty_juror")
        door = Screening(
            models=tmp_path, policy=Policy(), decoders=1, gate_module="doubting_gates", judging=judging
        )
        async with asyncio.timeout(60), door:
            while not door.ready:
                await asyncio.sleep(0.02)
            yield door

    return open_with


PHOTO = Photo(jpeg=b"a clean photo", width=100, height=100, sha256="0" * 64)


def request(prompt: str, look: str | None = None) -> JobRequest:
    return JobRequest(
        job_id="00000000-0000-0000-0000-000000000000",
        prompt=prompt,
        locale="en",
        requester="a" * 16,
        reply_to="b" * 16,
        look=look,
    )


async def test_the_judge_is_asked_for_what_is_in_doubt_only(open_door):
    async with open_door() as door:
        refused = await door.check_request(request("harm 0.3"), PHOTO)
        allowed = await door.check_request(request("fine 0.3"), PHOTO)
        decided = await door.check_request(request("harm 0.01"), PHOTO)
        preset = await door.check_request(request("harm 0.3", look="snow"), PHOTO)

    assert isinstance(refused.verdict, Refusal)
    assert allowed.verdict == decided.verdict == preset.verdict == Allowed()
    assert [len(it.decisions) for it in (refused, allowed, decided, preset)] == [2, 2, 1, 1]


@pytest.mark.parametrize(("prompt", "seconds"), [("raise 0.3", 20.0), ("hang 0.3", 0.5), ("die 0.3", 5.0)])
async def test_no_answer_is_never_a_yes_and_the_next_caption_is_judged(open_door, prompt, seconds):
    async with open_door(seconds) as door:
        with pytest.raises(CheckFailed):
            await door.check_request(request(prompt), PHOTO)
        while not door.ready:
            await asyncio.sleep(0.02)
        after = await door.check_request(request("fine 0.01"), PHOTO)

    assert after.verdict == Allowed()


@pytest.mark.parametrize(
    "settings",
    [
        JudgeSettings(kind="local"),
        JudgeSettings(kind="local", model="/nowhere/judge.gguf"),
        JudgeSettings(kind="llamaguard"),
        JudgeSettings(kind="endpoint", model="m", url="somewhere"),
        JudgeSettings(kind="endpoint", model="m", url="http://somewhere", key_file="/nowhere/key"),
    ],
    ids=["not fetched", "no file", "no folder", "no address", "no key"],
)
def test_what_a_judge_lacks_is_known_before_the_start(settings, tmp_path):
    with pytest.raises(ConfigError):
        look_over_judge(settings, tmp_path)
