"""What runs in the gate child: the classifiers, loaded once, and one question after another."""

from __future__ import annotations

from typing import assert_never

import cv2
import msgspec

from engine.children import Link, error_place
from engine.config import PolicyConfig
from engine.errors import ConfigError
from engine.media.decode import frames_at, read_clip_info
from engine.media.luminance import read_luminance
from engine.media.photo import read_pixels
from engine.media.samples import choose_frames
from engine.policy import Judge
from engine.screening import (
    CheckClip,
    CheckRequest,
    CheckShare,
    GateRaised,
    GateSettings,
    GatesReady,
    GatesUnusable,
    Judged,
    Judgement,
    Question,
)
from engine.verdicts import Screened

SAMPLES, CHANGES = 8, 3
"""Frames of a clip that the classifiers look at, the first and the last among them, and two after each change that stands out."""


def main(link: Link) -> None:
    """Load the judge, then answer until the engine hangs up."""
    cv2.setNumThreads(1)  # a question per process at a time; OpenCV's own threads spin
    settings: GateSettings = link.receive(GateSettings)
    try:
        judge = Judge.load(
            settings.models,
            msgspec.convert(settings.policy, PolicyConfig),
            environment=settings.environment,
        )
    except ConfigError as error:
        link.send(GatesUnusable(str(error)))
        return
    link.send(GatesReady(policy_version=judge.policy_version, switched_off=judge.switched_off))
    while True:
        link.send(_judgement(judge, link.receive(Question)))


def _judgement(judge: Judge, question: Question) -> Judgement:
    try:
        return Judged(_screen(judge, question))
    except Exception as error:  # noqa: BLE001 - a gate that raises is told as such, and never becomes a verdict
        return GateRaised(error_place(error))


def _screen(judge: Judge, question: Question) -> Screened:
    match question:
        case CheckRequest(every=True):
            return judge.explain(
                prompt=question.prompt,
                locale=question.locale,
                pixels=read_pixels(question.jpeg),
                profile=question.profile,
            )
        case CheckRequest():
            return judge.request(
                prompt=question.prompt,
                locale=question.locale,
                look=question.look,
                attested=question.attested,
                pixels=read_pixels(question.jpeg),
                profile=question.profile,
            )
        case CheckClip():
            return _screen_clip(judge, question)
        case CheckShare(facts):
            return judge.share(facts)
        case _:
            assert_never(question)


def _screen_clip(judge: Judge, question: CheckClip) -> Screened:
    path = question.clip_path
    luminance = read_luminance(path)
    return judge.clip(
        frames=frames_at(path, choose_frames(luminance, evenly=SAMPLES, changes=CHANGES)),
        luminance=luminance,
        frames_per_second=read_clip_info(path).frames_per_second,
        pixels=read_pixels(question.photo_path.read_bytes()),
        facts=question.facts,
        remade=question.remade,
    )
