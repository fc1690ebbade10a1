"""“Was this made here?”, asked in the chat about all kinds of files."""

import io

import av
import pytest
from town import SOON, Town, a_photo


async def a_clip(town: Town) -> bytes:
    await town.play.send_photo("ann", a_photo(), "snow")
    return await town.play.media(await town.gets_clip())


async def verdict(
    town: Town, data: bytes, *, mime: str = "video/mp4", caption: str = "", person: str = "bob"
) -> str:
    sent = await town.play.send_document(person, data, filename="x", mime=mime, caption=caption)
    answer = await town.play.wait(
        person, lambda seen: seen.from_bot and seen.reply_to == sent.id, after=sent.id, timeout=SOON
    )
    return answer.text


async def test_a_clip_is_known_to_everybody_and_a_changed_one_is_not(town: Town) -> None:
    clip = await a_clip(town)
    changed = bytearray(clip)
    changed[-20] ^= 1

    told = await verdict(town, clip)
    assert told.startswith("✅ Made by this bot on ")
    assert told.endswith("a video I can only check.")
    assert (await verdict(town, bytes(changed))).startswith("⚠️ Changed.")


async def test_a_copy_that_lost_its_credentials_is_told_by_its_look(town: Town) -> None:
    """The journeys' clips are too small to carry a watermark."""
    copy = io.BytesIO()
    with av.open(io.BytesIO(await a_clip(town))) as source, av.open(copy, "w", format="mp4") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)

    assert (await verdict(town, copy.getvalue())).startswith("🔎 Looks like a clip that this bot made on ")


async def test_a_clip_is_asked_about_by_answering_it(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(), "snow")
    clip = await town.gets_clip()

    await town.play.send_text("ann", "/verify", reply_to=clip.id)

    assert "modified with AI" in (await town.hears("Made by this bot")).text


async def test_the_original_file_holds_the_same_credentials(town: Town) -> None:
    await a_clip(town)
    await town.play.press("ann", "Original file")
    original = await town.play.wait(
        "ann", lambda seen: seen.from_bot and seen.kind == "document", timeout=SOON
    )

    assert (await verdict(town, await town.play.media(original))).startswith("✅")
    (sent,) = await town.play.calls("sendDocument")
    assert sent.params["disable_content_type_detection"] == "true"


@pytest.mark.parametrize(
    ("data", "mime", "words"),
    [
        (b"", "video/mp4", "Nothing found"),
        (b"\0\0\0\x18ftypisom" + b"\xff" * 200, "video/mp4", "can't read this file"),
        (b"hello", "text/plain", "Nothing found"),
        (b"%PDF-1.7", "application/pdf", "Nothing found"),
        (a_photo(), "image/jpeg", "Nothing found"),
    ],
)
async def test_a_strange_file_gets_an_answer(town: Town, data, mime, words) -> None:
    assert words in await verdict(town, data, mime=mime, caption="/verify")


async def test_a_file_that_is_too_large_is_not_fetched(town: Town) -> None:
    told = await verdict(town, bytes(20_000_001))

    assert told.startswith("The file is too large: I look into files up to 20 MB.")
    assert await town.play.calls("getFile") == []


async def test_in_a_group_only_who_asks_is_answered(town: Town) -> None:
    clip = await a_clip(town)
    there = await town.play.send_document("ann", clip, filename="x.mp4", mime="video/mp4", chat="friends")

    await town.play.send_text("bob", "/verify", chat="friends", reply_to=there.id)

    answer = await town.play.wait(
        "friends", lambda seen: seen.from_bot and "Made by" in seen.text, timeout=SOON
    )
    assert [seen.id for seen in await town.play.messages("friends") if seen.from_bot] == [answer.id]


async def test_nobody_asks_without_end(town: Town) -> None:
    await town.restart_bot(verify_per_hour=1)

    assert "Nothing found" in await verdict(town, b"x")
    assert "Please try again later." in await verdict(town, b"x")
    assert "Nothing found" in await verdict(town, b"x", person="ann")


async def test_without_a_file_it_says_how(town: Town) -> None:
    await town.play.send_text("ann", "/verify")

    assert (await town.hears("/verify")).text.startswith("Answer a video with /verify")
