"""Other ways of handing a clip out, for a Telegram that does not do what it did so far."""

from town import Town, a_photo, eventually


async def test_clips_go_out_as_files(town: Town) -> None:
    await town.restart_bot(deliver_as="document")
    await town.play.send_photo("ann", a_photo(), "snow")

    clip = await town.play.wait("ann", lambda seen: seen.from_bot and seen.kind == "document", timeout=30)

    assert (await town.engine.verify(await town.play.media(clip))).made_here
    (edit,) = await town.play.calls("editMessageMedia")
    assert '"disable_content_type_detection": true' in edit.params["media"]


async def test_a_clip_is_sent_and_the_message_before_it_deleted(town: Town) -> None:
    await town.restart_bot(edit_into_clip=False)
    await town.play.send_photo("ann", a_photo(), "snow")

    clip = await town.gets_clip()

    async def is_alone() -> bool:
        return [seen.id for seen in await town.play.messages("ann") if seen.from_bot] == [clip.id]

    await eventually(is_alone)
    assert await town.play.calls("editMessageMedia") == []


async def test_every_clip_is_looked_at_again_where_the_operator_wants_it(town: Town) -> None:
    await town.restart_bot(check_delivery=True)
    await town.play.send_photo("ann", a_photo(), "snow")
    clip = await town.gets_clip()

    async def was_fetched() -> bool:
        return clip.file_id in [call.params.get("file_id") for call in await town.play.calls("getFile")]

    await eventually(was_fetched)
    assert not [words for words in await town.said("bob") if "🚨" in words]
