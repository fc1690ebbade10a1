"""python-telegram-bot runs on the playground unchanged, and meets there what it meets at Telegram."""

import asyncio

import pytest
from telegram import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaVideo,
    KeyboardButton,
    KeyboardButtonRequestChat,
    ReplyKeyboardMarkup,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)
from telegram.ext import CallbackQueryHandler, ChatMemberHandler, CommandHandler, MessageHandler, filters

from bot.playground.errors import PlayError

CLIP = b"\0\0\0\x18ftypmp42" + bytes(3000)
ANN = 100_000_001


async def test_a_photo_comes_back_as_a_clip_in_the_placeholder(play, photo, run_bot):
    async def animate(update, context):
        data = await (await update.message.photo[-1].get_file()).download_as_bytearray()
        keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Again", callback_data="again:1")]])
        placeholder = await update.message.reply_text("Place 1", do_quote=True)
        await placeholder.edit_media(
            InputMediaVideo(
                CLIP + bytes(data), caption="AI", width=90, height=160, duration=4, filename="clip.mp4"
            ),
            reply_markup=keyboard,
        )

    async with run_bot(MessageHandler(filters.PHOTO, animate)):
        sent = await play.send_photo("ann", photo, "let it snow")
        clip = await play.wait("ann", lambda seen: seen.kind == "video")

    assert await play.media(clip) == CLIP + photo
    assert (clip.text, clip.reply_to, clip.buttons) == ("AI", sent.id, ("Again",))
    assert clip.raw["video"]["file_name"] == "clip.mp4"
    assert clip.raw["video"]["mime_type"] == "video/mp4"
    assert (clip.deliveries, clip.edits) == (1, 1)
    assert clip.history == (("sendMessage", "text"), ("editMessageMedia", "video"))


async def test_a_button_is_answered_once(play, run_bot):
    second = asyncio.get_running_loop().create_future()

    async def start(update, context):
        button = InlineKeyboardButton("Cancel", callback_data="cancel:1")
        await update.message.reply_text("queued", reply_markup=InlineKeyboardMarkup([[button]]))

    async def pressed(update, context):
        await update.callback_query.answer(f"got {update.callback_query.data}", show_alert=True)
        try:
            await update.callback_query.answer("again")
        except BadRequest as error:
            second.set_result(error.message)

    async with run_bot(CommandHandler("start", start), CallbackQueryHandler(pressed)):
        await play.send_text("ann", "/start")
        await play.wait("ann", lambda seen: seen.from_bot)
        answer = await play.press("ann", "Cancel")

        assert (answer.text, answer.show_alert) == ("got cancel:1", True)
        assert (await second).startswith("Query is too old")


async def test_every_sending_method_gives_a_message_that_ptb_can_read(play, photo, run_bot):
    await play.send_text("ann", "hi")
    async with run_bot(polling=False) as app:
        bot = app.bot
        video = await bot.send_video(
            ANN, CLIP, duration=4, width=90, height=160, cover=photo, thumbnail=photo, has_spoiler=True
        )
        again = await bot.send_video(ANN, video.video.file_id)
        animation = await bot.send_animation(ANN, CLIP, filename="a.mp4")
        document = await bot.send_document(
            ANN, CLIP, filename="clip.mp4", disable_content_type_detection=True
        )
        picture = await bot.send_photo(ANN, photo, caption="<b>bold</b> & more", parse_mode="HTML")
        album = await bot.send_media_group(ANN, [InputMediaVideo(CLIP), InputMediaVideo(CLIP)])
        copy = await bot.copy_message(ANN, ANN, video.message_id, caption="other words")
        forwarded = await bot.forward_message(ANN, ANN, video.message_id)
        edited = await bot.edit_message_caption(ANN, video.message_id, caption="new")

        assert (video.video.width, video.video.cover[0].width, video.has_media_spoiler) == (90, 120, True)
        assert again.video == video.video
        assert animation.animation.file_id == animation.document.file_id
        assert document.document.file_size == len(CLIP)
        assert (picture.caption, picture.caption_html) == ("bold & more", "<b>bold</b> &amp; more")
        assert len({message.media_group_id for message in album}) == 1
        assert forwarded.forward_origin.sender_user.id == bot.id
        assert edited.caption == "new"
        assert edited.edit_date is not None
        assert (await play.messages("ann"))[-2].id == copy.message_id
        assert (await play.messages("ann"))[-2].text == "other words"


async def test_chats_members_and_commands_can_be_asked_for(play, run_bot):
    friends = (await play.send_text("bob", "/hello", chat="friends")).chat_id
    async with run_bot(polling=False) as app:
        bot = app.bot
        german = [BotCommand("hilfe", "Hilfe")]
        await bot.set_my_commands(german, scope=BotCommandScopeAllGroupChats(), language_code="de")
        await play.set_person("bob", locale="de")
        room = await play.state()

        assert (await bot.get_chat(friends)).title == "Friends"
        assert (await bot.get_chat_member(friends, ANN)).status == "creator"
        assert [who.user.first_name for who in await bot.get_chat_administrators(friends)] == ["Ann"]
        assert await bot.get_my_commands(scope=BotCommandScopeAllGroupChats(), language_code="de") == tuple(
            german
        )
        assert room["chats"][-1]["commands"] == {
            "ann": [],
            "cleo": [],
            "bob": [{"command": "hilfe", "description": "Hilfe"}],
        }
        assert (await bot.get_webhook_info()).pending_update_count == 1


async def test_the_group_can_be_chosen_for_the_bot(play, run_bot):
    await play.send_text("ann", "/share")
    await play.add_group("Family", ["ann"], with_bot=False)
    async with run_bot(polling=False) as app:
        wish = KeyboardButtonRequestChat(request_id=7, chat_is_channel=False, bot_is_member=True)
        rows = [[KeyboardButton("Choose a group", request_chat=wish)]]
        await app.bot.send_message(
            ANN, "Where?", reply_markup=ReplyKeyboardMarkup(rows, one_time_keyboard=True)
        )

        with pytest.raises(PlayError, match="the bot is not in Family"):
            await play.share_chat("ann", "family")
        shared = await play.share_chat("ann", "friends")

    assert shared.raw["chat_shared"] == {"request_id": 7, "chat_id": -4_000_001}


async def test_errors_arrive_as_the_exceptions_that_telegram_causes(play, run_bot):
    await play.send_text("ann", "hi")
    async with run_bot(polling=False) as app:
        bot = app.bot
        message = await bot.send_message(ANN, "one")
        long_data = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data="é" * 33)]])

        with pytest.raises(BadRequest, match="Message is not modified"):
            await bot.edit_message_text("one", ANN, message.message_id)
        with pytest.raises(BadRequest, match="Message to edit not found"):
            await bot.edit_message_text("two", ANN, 1)
        with pytest.raises(BadRequest, match="Button_data_invalid"):
            await bot.send_message(ANN, "x", reply_markup=long_data)
        with pytest.raises(BadRequest, match="Message caption is too long"):
            await bot.send_video(ANN, CLIP, caption="x" * 1025)
        with pytest.raises(BadRequest, match="Can't parse entities"):
            await bot.send_message(ANN, "<b>x", parse_mode="HTML")
        with pytest.raises(BadRequest, match="Reaction_invalid"):
            await bot.set_message_reaction(ANN, message.message_id, "✅")
        with pytest.raises(BadRequest, match="Chat not found"):
            await bot.send_message(42, "x")
        with pytest.raises(Forbidden, match="can't initiate conversation"):
            await bot.send_message(ANN + 1, "x")
        with pytest.raises(BadRequest, match="Wrong file identifier"):
            await bot.send_video(ANN, "of-another-life")
        with pytest.raises(NetworkError, match="Request Entity Too Large"):
            await bot.send_document(ANN, bytes(50 * 2**20 + 1))


async def test_a_blocked_bot_a_removed_bot_and_a_migrated_group(play, run_bot):
    events = []

    async def membership(update, context):
        events.append((update.my_chat_member.chat.id, update.my_chat_member.new_chat_member.status))

    async with run_bot(ChatMemberHandler(membership)) as app:
        await play.send_text("ann", "hi")
        await play.block("ann")
        with pytest.raises(Forbidden, match="bot was blocked by the user"):
            await app.bot.send_message(ANN, "x")

        new_id = await play.migrate("friends")
        with pytest.raises(ChatMigrated) as migrated:
            await app.bot.send_message(-4_000_001, "x")
        assert migrated.value.new_chat_id == new_id
        await app.bot.send_message(new_id, "x")

        await play.remove_bot("friends")
        with pytest.raises(Forbidden, match="bot was kicked from the supergroup chat"):
            await app.bot.send_message(new_id, "x")
        await play.wait_until(lambda: _full(events, 2))

    assert events == [(ANN, "kicked"), (new_id, "kicked")]


async def _full(events, count):
    return events if len(events) >= count else None


async def test_faults_strike_as_often_as_they_were_asked_to(play, run_bot):
    await play.send_text("ann", "hi")
    async with run_bot(polling=False) as app:
        await play.fault("sendMessage", code=429, retry_after=3, times=1, skip=1)
        await app.bot.send_message(ANN, "passes")
        with pytest.raises(RetryAfter) as late:
            await app.bot.send_message(ANN, "limited")
        await app.bot.send_message(ANN, "passes again")
        await play.fault("*", code=502, times=1)
        with pytest.raises(NetworkError, match="Bad Gateway"):
            await app.bot.send_message(ANN, "lost")
        await play.outage(on=True)
        with pytest.raises(NetworkError):
            await app.bot.send_message(ANN, "lost")
        await play.outage(on=False)

    assert late.value.retry_after == 3
    assert [seen.text for seen in await play.messages("ann")] == ["hi", "passes", "passes again"]
    assert [call.status for call in await play.calls("sendMessage")] == [200, 429, 200, 502, 0]


async def test_a_send_can_be_delivered_and_time_out(play, run_bot):
    await play.send_text("ann", "hi")
    await play.fault("sendVideo", after=True, hold=5)
    async with run_bot(polling=False) as app:
        with pytest.raises(TimedOut):
            await app.bot.send_video(ANN, CLIP, read_timeout=0.2, write_timeout=1)

    assert [seen.kind for seen in await play.messages("ann")] == ["text", "video"]


async def test_the_rate_limiter_waits_as_long_as_it_is_told(play, run_bot):
    await play.send_text("ann", "hi")
    await play.fault("sendMessage", code=429, retry_after=1)
    async with run_bot(polling=False, limiter=True) as app:
        await app.bot.send_message(ANN, "late")

    statuses = [(call.status, call.at) for call in await play.calls("sendMessage")]
    assert [status for status, _ in statuses] == [429, 200]
    assert statuses[1][1] - statuses[0][1] >= 1


async def test_a_group_takes_twenty_messages_a_minute(play, run_bot):
    await play.send_text("ann", "/hi", chat="friends")
    async with run_bot(polling=False) as app:
        for number in range(20):
            await app.bot.send_message(-4_000_001, f"{number}")
        with pytest.raises(RetryAfter):
            await app.bot.send_message(-4_000_001, "one too many")
        await play.set_rules(group_limit=False)
        await app.bot.send_message(-4_000_001, "and now")


async def test_the_earlier_of_two_pollers_is_told_of_the_later(play, run_bot):
    async with run_bot(polling=False) as one, run_bot(polling=False) as other:
        first = asyncio.create_task(one.bot.get_updates(timeout=5))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(other.bot.get_updates(timeout=5))
        with pytest.raises(Conflict, match="terminated by other getUpdates"):
            await first
        await play.send_text("ann", "hi")

        assert [update.message.text for update in await second] == ["hi"]


async def test_a_wrong_token_and_an_unknown_method_are_refused(playground, run_bot):
    async with run_bot(polling=False) as app:
        with pytest.raises(EndPointNotFound):
            await app.bot.do_api_request("sendStickerToTheMoon")
        playground.api.token = "1:other"
        with pytest.raises(InvalidToken):
            await app.bot.get_me()
        playground.api.token = playground.token
