"""The main way: a photo and a caption go in, a labelled clip comes back in the placeholder's place."""

import hashlib
from pathlib import Path

import pillow_heif
from town import SOON, Town, a_photo

from engine.media.decode import read_clip_info


async def test_a_photo_and_a_caption_become_a_clip_where_the_placeholder_was(town: Town) -> None:
    sent = await town.play.send_photo("ann", a_photo(), "soft snow")

    clip = await town.gets_clip()
    nudge = await town.hears("Your clip is ready", after=clip.id)

    assert clip.history[0] == ("sendMessage", "text")
    assert clip.history[-1] == ("editMessageMedia", "video")
    assert clip.said[0].startswith("👀 I have your photo")
    assert clip.reply_to == sent.id
    assert clip.text.splitlines()[0].startswith("🪄 AI modified. This video was made from a photo with AI.")
    assert "snow" in clip.text
    assert clip.buttons == (
        "📤 Share to a group",
        "🔁 Again",
        "✏️ Other words",
        "📎 Original file",
        "🔎 Verify",
        "👍",
        "👎",
        "🗑 Delete",
    )
    assert nudge.id > clip.id
    (photo,) = [seen for seen in await town.play.messages("ann") if seen.id == sent.id]
    assert photo.reactions == ("👀",)


async def test_the_original_file_has_every_byte_of_what_was_signed(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(2), "fog")
    clip = await town.gets_clip()

    await town.play.press("ann", "Original file")
    document = await town.play.wait("ann", lambda seen: seen.kind == "document", timeout=SOON)

    original = await town.play.media(document)
    assert hashlib.sha256(original).digest() == hashlib.sha256(await town.play.media(clip)).digest()
    assert (await town.engine.verify(original)).made_here


async def test_rain_is_heard_and_said_to_be_synthetic(town: Town, tmp_path: Path) -> None:
    await town.play.send_photo("ann", a_photo(4), "rain")
    clip = await town.gets_clip()
    await town.play.send_photo("ann", a_photo(4), "rain, no sound")
    silent = await town.gets_clip(after=clip.id)

    infos = []
    for number, told in enumerate((clip, silent)):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(await town.play.media(told))
        infos.append(read_clip_info(path))
    assert [info.has_sound for info in infos] == [True, False]
    assert abs(infos[0].sound_seconds - infos[0].duration_seconds) < 0.05
    assert "Synthetic sound: rain." in clip.text
    assert "ound" not in silent.text


async def test_no_caption_means_the_default_motion(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(3))

    clip = await town.gets_clip()

    assert "Moves: " in clip.text


async def test_a_photo_without_a_wish_is_offered_motions_that_suit_it(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(5))
    clip = await town.gets_clip()
    offered = clip.buttons[:4]
    await town.play.press("ann", offered[0], message_id=clip.id)
    next_ = await town.gets_clip(after=clip.id)

    assert clip.buttons[4] == "📤 Share to a group"
    assert len(set(offered)) == 4
    assert offered[0].lower() in next_.text
    assert next_.buttons[0] == "📤 Share to a group"


async def test_image_files_are_photos_too(town: Town) -> None:
    pillow_heif.register_heif_opener()
    for kind, mime in (("PNG", "image/png"), ("WEBP", "image/webp"), ("HEIF", "image/heic")):
        sent = await town.play.send_document(
            "ann", a_photo(kind=kind), filename=f"a.{kind}", mime=mime, caption="rain"
        )

        assert (await town.gets_clip(after=sent.id)).reply_to == sent.id


async def test_a_person_is_answered_in_their_language(town: Town) -> None:
    await town.play.set_person("ann", locale="de-AT")

    await town.play.send_photo("ann", a_photo(), "Schnee")
    clip = await town.gets_clip()

    assert "Dieses Video wurde mit KI aus einem Foto gemacht." in clip.text
    assert "Schnee" in clip.text
    assert "🗑 Löschen" in clip.buttons
    await town.hears("Dein Clip ist fertig")


async def test_what_cannot_be_done_is_quoted_back_without_its_tricks(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(), "snow, and the <b>dog</b> runs\u202e away")

    clip = await town.gets_clip()

    assert "I can't do that yet: “" in clip.text
    assert "runs" in clip.text
    assert "\u202e" not in clip.text


async def test_of_an_album_the_captioned_photo_is_taken_and_the_rest_is_explained(town: Town) -> None:
    album = await town.play.send_album("ann", [a_photo(n) for n in range(3)], captions=["", "snow", ""])

    clip = await town.gets_clip()

    assert clip.reply_to == album[1].id
    told = [words for words in await town.said() if words.startswith("One photo at a time")]
    assert len(told) == 1
    assert len([seen for seen in await town.play.messages("ann") if seen.kind == "video"]) == 1


async def test_a_live_photo_is_taken_by_its_still(town: Town) -> None:
    sent = await town.play.send_photo("ann", a_photo(), "snow")
    live = sent.raw | {
        "message_id": sent.id + 500,
        "live_photo": {
            "file_id": "live",
            "file_unique_id": "live-1",
            "width": 160,
            "height": 240,
            "duration": 2,
        },
    }

    await town.play.update("message", live)

    await town.hears("I take the still picture of your live photo.")


async def test_pressing_delete_removes_the_clip(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(), "snow")
    clip = await town.gets_clip()

    await town.play.press("ann", "Delete")

    async def gone() -> bool | None:
        return clip.id not in {seen.id for seen in await town.play.messages("ann")} or None

    assert await town.play.wait_until(gone)


async def test_the_same_update_twice_is_one_clip(town: Town) -> None:
    sent = await town.play.send_photo("ann", a_photo(), "snow")
    await town.gets_clip()
    await town.hears("Your clip is ready")

    await town.play.update("message", sent.raw)
    await town.play.send_text("ann", "/status")

    await town.hears("You have no clip on its way.")
    assert len([seen for seen in await town.play.messages("ann") if seen.kind == "video"]) == 1
