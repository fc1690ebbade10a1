"""A photo that shall come to life: sent in private, with `/animate` in a group, or pointed at by a reply."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from telegram import Message, Update
from telegram.constants import ReactionEmoji
from telegram.error import TelegramError

from engine import logs
from engine.schema import MAX_PHOTO_BYTES, MAX_PROMPT_CHARACTERS, PhotoProblem
from handlers import consent
from handlers.albums import Albums
from handlers.context import Context, Services, Ticket
from handlers.filters import words_for_us
from handlers.order import Order, place
from handlers.people import sender_of
from handlers.phrases import PHOTO_PROBLEMS
from handlers.replies import reply, thread_of
from handlers.texts import Html, Texts, texts

log = logs.get("photo")

PHOTO_TYPES = frozenset(
    {"image/jpeg", "image/jpg", "image/png", "image/webp", "image/heic", "image/heif", "image/heic-sequence"}
)


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A photo that Telegram stores for us. `from_live_photo`: it moved before, and we take its still."""

    file_id: str
    size_bytes: int
    from_live_photo: bool = False


async def received(update: Update, context: Context) -> None:
    """A photo or a file in a private chat; of an album, one photo."""
    message = update.effective_message
    if message is None:
        return
    if message.media_group_id is None:
        await _animate(message, message, message.caption or "", context)
        return
    chosen = await _chosen_of_album(message, context)
    if chosen is not None:
        await _animate(chosen, chosen, chosen.caption or "", context)


async def asked(update: Update, context: Context) -> None:
    """`/animate` or a mention: in the photo's caption, or as a reply to one's own photo."""
    message = update.effective_message
    if message is None:
        return
    prompt = words_for_us(message, context.bot.username) or ""
    if find_photo(message) is not None:
        await _animate(message, message, prompt, context)
        return
    say, services = texts(sender_of(message).locale), context.services
    original = message.reply_to_message
    if original is None or find_photo(original) is None:
        await reply(message, "how", _say_how(say, in_group=message.chat.id < 0), services)
    elif message.chat.id < 0 and not _same_sender(message, original):
        await _ask_author(message, original, prompt, context)
    else:
        await _animate(message, original, prompt, context)


def find_photo(message: Message) -> PhotoFile | PhotoProblem | None:
    """The largest size of a photo, or an image file; why a file is not one; None where nothing is attached."""
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        still = message.live_photo is not None
        return _within_limit(PhotoFile(largest.file_id, largest.file_size or 0, from_live_photo=still))
    if message.document is None:
        return None
    kind = (message.document.mime_type or "").lower()
    if kind not in PHOTO_TYPES:
        return PhotoProblem.UNSUPPORTED_FORMAT if kind.startswith("image/") else PhotoProblem.NOT_AN_IMAGE
    return _within_limit(PhotoFile(message.document.file_id, message.document.file_size or 0))


async def _animate(message: Message, original: Message, prompt: str, context: Context) -> None:
    """`message` asks and is answered; `original` has the photo; often they are the same."""
    services, say = context.services, texts(sender_of(message).locale)
    photo = find_photo(original)
    job_id = _job_id(message, services)
    known = await services.store.ticket_of_job(job_id)
    if known is not None and known.message_id != message.message_id:
        return  # another photo of the same album was taken before a restart
    if known is None and _is_stale(message, services):
        await reply(message, "stale", _say_stale(say), services)
    elif len(prompt) > MAX_PROMPT_CHARACTERS:
        await reply(message, "long", say_too_long(say, len(prompt)), services)
    elif isinstance(photo, PhotoProblem):
        await reply(message, "problem", say.say(PHOTO_PROBLEMS[photo]), services)
    elif photo is not None:
        await acknowledge(message, context)
        await _explain_choices(message, photo, say, services)
        await place(Order(ticket=_ticket(message, photo, job_id), prompt=prompt), context)


async def _ask_author(message: Message, original: Message, prompt: str, context: Context) -> None:
    """What can be said at once is said at once, before anybody is asked."""
    services, say = context.services, texts(sender_of(message).locale)
    photo = find_photo(original)
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        await reply(message, "long", say_too_long(say, len(prompt)), services)
    elif isinstance(photo, PhotoProblem):
        await reply(message, "problem", say.say(PHOTO_PROBLEMS[photo]), services)
    elif photo is not None:
        ticket = _ticket(message, photo, _job_id(message, services))
        await consent.ask(message, original, ticket, prompt, context)


def _ticket(message: Message, photo: PhotoFile, job_id: str) -> Ticket:
    sender = sender_of(message)
    return Ticket(
        reply_to=secrets.token_urlsafe(18),
        job_id=job_id,
        chat_id=message.chat.id,
        message_id=message.message_id,
        user_id=sender.user_id,
        maker_name=sender.name,
        locale=sender.locale,
        photo_file_id=photo.file_id,
        thread_id=thread_of(message),
        in_group=message.chat.type != message.chat.PRIVATE,
    )


async def _chosen_of_album(message: Message, context: Context) -> Message | None:
    """Each photo of an album is an update of its own; all wait a moment, and all choose the same one.

    None for those that are not chosen, and for the chosen one's siblings after a restart: the job id belongs
    to the album, so a second choice finds the first one's ticket.
    """
    albums = Albums.of(context.bot_data)
    album = albums.join(message)
    await asyncio.sleep(context.services.rules.album_wait_seconds)
    chosen = album.chosen
    albums.forget(message)
    return message if chosen.message_id == message.message_id else None


def _job_id(message: Message, services: Services) -> str:
    if message.media_group_id is not None:
        return services.identities.job_id(message.chat.id, 0, press=f"album:{message.media_group_id}")
    return services.identities.job_id(message.chat.id, message.message_id)


async def acknowledge(message: Message, context: Context) -> None:
    """Eyes on the photo, at once. A group's admins may have forbidden reactions; then there are none."""
    try:
        await context.bot.set_message_reaction(message.chat.id, message.message_id, ReactionEmoji.EYES)
    except TelegramError as error:
        log.info("no reaction", error=type(error).__name__)


async def _explain_choices(message: Message, photo: PhotoFile, say: Texts, services: Services) -> None:
    if message.media_group_id is not None:
        one = say.say("One photo at a time, please: I take this one. Send me the others on their own.")
        await reply(message, "album", one, services)
    if photo.from_live_photo:
        still = say.say("I take the still picture of your live photo.")
        await reply(message, "live", still, services)


def _within_limit(photo: PhotoFile) -> PhotoFile | PhotoProblem:
    return photo if photo.size_bytes <= MAX_PHOTO_BYTES else PhotoProblem.TOO_MANY_BYTES


def _same_sender(message: Message, original: Message) -> bool:
    if original.from_user is None or message.from_user is None:
        return False
    return sender_of(message).user_id == sender_of(original).user_id


def _is_stale(message: Message, services: Services) -> bool:
    return services.now() - message.date.timestamp() > services.rules.stale_after_seconds


def _say_how(say: Texts, *, in_group: bool) -> Html:
    if in_group:
        return say.say(
            "Send a photo with <code>/animate snow, slow zoom in</code> as its caption, "
            "or answer one of your own photos with it."
        )
    return say.say("Send me a photo, and in its caption what shall move: “snow, slow zoom in”.")


def _say_stale(say: Texts) -> Html:
    return say.say(
        "Sorry, I was away when you sent this. If you still want the clip, please send the photo again."
    )


def say_too_long(say: Texts, length: int) -> Html:
    return say.say(
        "The text has {length} characters, and I read up to {limit}. Please send the photo with a shorter one.",
        length=length,
        limit=MAX_PROMPT_CHARACTERS,
    )
