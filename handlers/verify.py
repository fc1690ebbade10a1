"""`/verify`: what is known of a file that somebody sends or points at, in words that claim no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from telegram import CallbackQuery, MaybeInaccessibleMessage, Message, Update
from telegram.error import TelegramError

from engine import errors, logs
from engine.schema import MAX_VERIFY_BYTES, Finding, VerifyReport
from handlers.buttons import Press
from handlers.context import Context, SendText
from handlers.filters import VERIFY
from handlers.people import sender_of
from handlers.replies import answer_press, reply, thread_of
from handlers.texts import Html, Texts, mark, paragraphs, texts

log = logs.get("verify")

FINDINGS: Mapping[Finding, str] = {
    Finding.MADE_HERE: mark(
        "✅ <b>Made by this bot</b> on {day}, say the signed credentials in the file. It was not changed since."
    ),
    Finding.CHANGED: mark(
        "⚠️ <b>Changed.</b> There are signed credentials in this file, but the file is not what was signed. "
        "They prove nothing about it."
    ),
    Finding.EXPIRED: mark(
        "⌛ <b>Not certain any more.</b> The file is as it was signed, but the certificate behind the signature has "
        "ended, and no time stamp says that it was signed before."
    ),
    Finding.OTHER_ISSUER: mark(
        "🔏 <b>Signed by somebody else</b> than this bot; I don't know whether they can be trusted. "
        "The file was not changed since."
    ),
    Finding.WATERMARKED: mark(
        "🔎 <b>Made by this bot</b> on {day}, says the invisible mark in its pictures."
    ),
    Finding.WATERMARK_ONLY: mark(
        "🔎 <b>Made by this bot</b>, says the invisible mark in its pictures. When is no longer on record."
    ),
    Finding.LOOKS_LIKE: mark(
        "🔎 <b>Looks like</b> a clip that this bot made on {day}. A likeness is no proof."
    ),
    Finding.NO_CREDENTIALS: mark(
        "🤷 <b>Nothing found</b> that says who made this file. That proves nothing: "
        "what is sent on or saved anew often loses its credentials."
    ),
    Finding.UNREADABLE: mark("🤷 <b>I can't read this file</b>, so I can't say anything about it."),
}

SOURCE_TYPES: Mapping[str, str] = {
    "trainedAlgorithmicMedia": mark("Its pictures were generated with AI, from one photo."),
    "compositeWithTrainedAlgorithmicMedia": mark("Its pictures are a photo that was modified with AI."),
}
"""The IPTC's words for what we make."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file in a message that can be looked into."""

    file_id: str
    size_bytes: int


async def asked(update: Update, context: Context) -> None:
    """`/verify` with a file or as an answer to one; in a private chat, a video without a word."""
    message = update.effective_message
    if message is None:
        return
    say = texts(sender_of(message).locale)
    answer = await _answer(message, say, context)
    if not (message.text or message.caption or "").startswith(VERIFY):
        hint = say.say("I bring photos to life; a video I can only check.")
        answer = paragraphs(answer, hint)
    await reply(message, "verify", answer, context.services)


async def press_verify(press: Press, query: CallbackQuery, context: Context) -> None:
    """The clip as the engine keeps it, read as any file is; anybody who sees it may ask."""
    services, say = context.services, texts(query.from_user.language_code)
    if query.message is None:
        return
    if not services.verifying.admits(services.identities.requester(query.from_user.id)):
        await answer_press(query, say.plain("🖐 That is a lot of files for one hour. Please try again later."))
        return
    await answer_press(query)
    try:
        text = say_report(say, await services.engine.verify(await services.engine.clip(press.subject)))
    except errors.NotFound:
        text = say.say("This clip is no longer stored. You can send the photo again.")
    except errors.EngineError as error:
        log.info("not verified", error=type(error).__name__)
        text = say_unavailable(say)
    note = SendText(
        chat_id=query.message.chat.id,
        text=text,
        thread_id=_thread(query.message),
        answer_to=query.message.message_id,
    )
    await services.outbox.put(f"verify:{query.id}", note)


def _thread(message: MaybeInaccessibleMessage) -> int | None:
    return thread_of(message) if isinstance(message, Message) else None


def find_file(message: Message) -> FoundFile | None:
    """The file of a message, or of the message that it answers."""
    for place in (message, message.reply_to_message):
        if place is None:
            continue
        photo = max(place.photo, key=lambda size: size.width * size.height) if place.photo else None
        media = place.video or place.animation or place.document or place.video_note or photo
        if media is not None:
            return FoundFile(media.file_id, media.file_size or 0)
    return None


def say_report(say: Texts, report: VerifyReport) -> Html:
    """What was found, what kind of picture it is, and what the answer does not say."""
    return paragraphs(
        say.say(FINDINGS[report.detail], day=_day(say, report.made_at)),
        say.say("This copy was changed since.") if report.made_here and not report.intact else "",
        _source_type(say, report),
        say.say("This tells where a file comes from, not whether what it shows is true."),
    )


async def _answer(message: Message, say: Texts, context: Context) -> Html:
    services = context.services
    file = find_file(message)
    if file is None:
        return say.say(
            "Answer a video with /verify, or send it to me in private, and I tell you whether it was made here."
        )
    if file.size_bytes > MAX_VERIFY_BYTES:
        return say_too_large(say)
    if not services.verifying.admits(services.identities.requester(sender_of(message).user_id)):
        return say_too_often(say)
    try:
        return say_report(say, await services.engine.verify(await _download(file, context)))
    except errors.EngineError as error:
        log.info("not verified", error=type(error).__name__)
        return say_unavailable(say)
    except TelegramError as error:
        log.info("file not given out", error=type(error).__name__)
        return say.say("😔 Telegram does not give me this file. Please send it again.")


async def _download(file: FoundFile, context: Context) -> bytes:
    """The file's address holds the bot's token, so the bytes travel on and never the address."""
    found = await context.bot.get_file(file.file_id)
    return bytes(await found.download_as_bytearray())


def say_too_large(say: Texts) -> Html:
    return say.say(
        "The file is too large: I look into files up to {megabytes} MB.",
        megabytes=MAX_VERIFY_BYTES // 1_000_000,
    )


def say_too_often(say: Texts) -> Html:
    return say.say("🖐 That is a lot of files for one hour. Please try again later.")


def say_unavailable(say: Texts) -> Html:
    return say.say("😔 I can't check files right now. Please try again in a minute.")


def _source_type(say: Texts, report: VerifyReport) -> Html:
    """Of our own clips only: what others state in their credentials is not ours to repeat."""
    words = SOURCE_TYPES.get(report.digital_source_type or "") if report.made_here else None
    return say.say(words) if words else Html()


def _day(say: Texts, made_at: str | None) -> str:
    """The day of the credentials' time, which the signature covers; a dash where they state none that can be read."""
    try:
        return say.day(datetime.fromisoformat(made_at or ""))
    except ValueError:
        return "–"
