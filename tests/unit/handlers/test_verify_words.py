from typing import Any

import pytest
from telegram import Message

from engine.schema import Finding, Layer, VerifyReport
from handlers.pace import Pace
from handlers.texts import texts
from handlers.verify import FINDINGS, FoundFile, find_file, say_report

VIDEO = {"file_id": "v", "file_unique_id": "u", "width": 9, "height": 16, "duration": 4, "file_size": 7}
NOTE = {"file_id": "n", "file_unique_id": "u", "length": 9, "duration": 4}
FILE = {"file_id": "d", "file_unique_id": "u", "mime_type": "video/mp4"}
SIZES = [
    {"file_id": name, "file_unique_id": name, "width": n, "height": n} for name, n in (("s", 9), ("l", 90))
]


def message(**fields: Any) -> Message:
    body = {"message_id": 7, "date": 1_800_000_000, "chat": {"id": 5, "type": "private"}}
    return Message.de_json(body | fields, None)


def report(finding: Finding, **facts: Any) -> VerifyReport:
    ours = finding is Finding.MADE_HERE
    return VerifyReport(layer=Layer.CREDENTIALS, made_here=ours, intact=ours, detail=finding, **facts)


@pytest.mark.parametrize(
    ("fields", "file_id"),
    [
        ({"video": VIDEO}, "v"),
        ({"video_note": NOTE}, "n"),
        ({"document": FILE}, "d"),
        ({"photo": SIZES}, "l"),
        ({"text": "/verify", "reply_to_message": message(video=VIDEO).to_dict()}, "v"),
    ],
)
def test_a_file_is_found_in_the_message_or_in_the_one_that_it_answers(fields, file_id) -> None:
    assert find_file(message(**fields)).file_id == file_id


def test_where_there_is_no_file_none_is_found() -> None:
    assert find_file(message(text="/verify", reply_to_message=message(text="hello").to_dict())) is None
    assert find_file(message(video=VIDEO)) == FoundFile("v", 7)


def test_our_own_clip_is_told_with_its_day_and_its_kind() -> None:
    ours = report(
        Finding.MADE_HERE,
        made_at="2026-11-24T23:30:00Z",
        digital_source_type="compositeWithTrainedAlgorithmicMedia",
    )

    assert say_report(texts("en"), ours).splitlines() == [
        "✅ <b>Made by this bot</b> on November 24, 2026, say the signed credentials in the file. It was not changed since.",
        "Its pictures are a photo that was modified with AI.",
        "This tells where a file comes from, not whether what it shows is true.",
    ]
    assert "24. November 2026" in say_report(texts("de"), ours)


def test_a_copy_that_only_the_watermark_knows_was_changed_since() -> None:
    copy = VerifyReport(
        layer=Layer.WATERMARK,
        made_here=True,
        intact=False,
        detail=Finding.WATERMARKED,
        made_at="2026-11-24T10:00:00Z",
        digital_source_type="trainedAlgorithmicMedia",
    )

    assert say_report(texts("en"), copy).splitlines()[:3] == [
        "🔎 <b>Made by this bot</b> on November 24, 2026, says the invisible mark in its pictures.",
        "This copy was changed since.",
        "Its pictures were generated with AI, from one photo.",
    ]


CERTAIN = {Finding.MADE_HERE, Finding.WATERMARKED, Finding.WATERMARK_ONLY}


@pytest.mark.parametrize("finding", sorted(set(Finding) - CERTAIN))
def test_no_other_finding_says_that_it_was_made_here_or_repeats_a_strangers_words(finding: Finding) -> None:
    told = say_report(
        texts("en"), report(finding, digital_source_type="<b>Made by this bot</b>", made_at="<i>")
    )

    assert "Made by this bot" not in told
    assert "<i>" not in told


def test_every_finding_has_its_sentence() -> None:
    assert set(FINDINGS) == set(Finding)


def test_the_pace_counts_for_each_and_forgives_with_time() -> None:
    now = 0.0
    pace = Pace(most=2, seconds=60.0, now=lambda: now)

    first = [pace.admits("ann") for _ in range(3)]
    now = 61.0

    assert first == [True, True, False]
    assert pace.admits("bob")
    assert [pace.admits("ann") for _ in range(3)] == [True, True, False]
