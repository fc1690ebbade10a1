"""From a ticket to the engine's answer: placeholder, photo, submission; patient with what does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar, assert_never

import msgspec
from telegram import ReplyParameters
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError

from engine import errors, logs
from engine.schema import Answer, JobRequest, JobView, Refused, Restricted
from handlers.buttons import markup
from handlers.context import Context, EditText, Services, Ticket
from handlers.group_rules import barred
from handlers.phrases import say_photo_problem
from handlers.refusal import tell_refusal
from handlers.status import progress_keyboard, progress_text
from handlers.texts import Html, Texts, mark, paragraphs, texts

log = logs.get("order")

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0

SURPRISES = (
    errors.PhotoRejected,
    errors.RetryLater,
    errors.InvalidRequest,
    errors.Conflict,
    errors.NotFound,
    TelegramError,
)
"""What ends an order with a sentence; anything else is a mistake of ours and goes to the error handler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a ticket's job shall be. An empty prompt asks for the default motions; a look replaces the prompt.

    `repeat` is an earlier job of the same person, whose words and look shall count.
    """

    ticket: Ticket
    prompt: str
    look: str | None = None
    repeat: str | None = None


class _Withdrawn(Exception):
    """The person canceled while we waited."""


async def place(order: Order, context: Context) -> None:
    """Repeatable: the same update finds its ticket, its placeholder and its job again."""
    services = context.services
    if await services.store.ticket_of_job(order.ticket.job_id) is None and await barred(
        order.ticket, context
    ):
        return
    ticket = await services.store.open_ticket(order.ticket)
    if ticket.ended:
        return
    try:
        ticket = await _with_placeholder(ticket, context)
        photo = await _patiently(lambda: _download(ticket.photo_file_id, context), ticket, services)
        request = _request(ticket, order, services)
        answer = await _patiently(lambda: services.engine.submit(request, photo), ticket, services)
    except _Withdrawn:
        return
    except Forbidden:
        log.info("nobody to answer", job_id=ticket.job_id)
        await services.store.end_ticket(ticket.job_id)
    except SURPRISES as error:
        log.info("order ended early", job_id=ticket.job_id, error=type(error).__name__)
        await _end_with(_say_surprise(texts(ticket.locale), error), ticket, services)
    else:
        await _tell(answer, ticket, services)


async def _with_placeholder(ticket: Ticket, context: Context) -> Ticket:
    """Raises Forbidden where the bot may not write. Any other trouble costs the placeholder, not the clip."""
    if ticket.placeholder_id is not None:
        return ticket
    store = context.services.store
    try:
        message_id = await _send_placeholder(ticket, context)
    except ChatMigrated as moved:
        await store.migrate_group(ticket.chat_id, moved.new_chat_id)
        ticket = await store.ticket_of_job(ticket.job_id) or ticket
        message_id = await _send_placeholder(ticket, context)
    except (NetworkError, RetryAfter) as error:
        log.warning("no placeholder", job_id=ticket.job_id, error=type(error).__name__)
        return ticket
    await store.set_placeholder(ticket.job_id, message_id)
    return msgspec.structs.replace(ticket, placeholder_id=message_id)


async def _send_placeholder(ticket: Ticket, context: Context) -> int:
    say = texts(ticket.locale)
    sent = await context.bot.send_message(
        ticket.chat_id,
        say.say("👀 I have your photo and take a look at it…"),
        parse_mode=ParseMode.HTML,
        message_thread_id=ticket.thread_id,
        reply_parameters=ReplyParameters(ticket.message_id, allow_sending_without_reply=True),
        reply_markup=markup(progress_keyboard(ticket.job_id, ticket.locale)),
    )
    return sent.message_id


async def _download(file_id: str, context: Context) -> bytes:
    """The file's address holds the bot's token, so the bytes travel on and never the address."""
    file = await context.bot.get_file(file_id)
    return bytes(await file.download_as_bytearray())


def _request(ticket: Ticket, order: Order, services: Services) -> JobRequest:
    identities = services.identities
    return JobRequest(
        job_id=ticket.job_id,
        prompt=order.prompt,
        locale=ticket.locale,
        requester=identities.requester(ticket.user_id),
        reply_to=ticket.reply_to,
        group=identities.group(ticket.chat_id) if ticket.in_group else None,
        look=order.look,
        repeat=order.repeat,
    )


async def _patiently(ask: Callable[[], Awaitable[T]], ticket: Ticket, services: Services) -> T:
    """Ask until there is an answer: the request is on disk, and the person is told that we wait."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return await ask()
        except BadRequest:
            raise
        except (errors.EngineUnavailable, errors.Unauthorized, NetworkError) as error:
            log.warning(
                "no answer yet", job_id=ticket.job_id, error=type(error).__name__, pause_seconds=pause
            )
        if pause > FIRST_PAUSE_SECONDS:
            await _say_waiting(ticket, services)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        now = await services.store.ticket_of_job(ticket.job_id)
        if now is None or now.ended:
            raise _Withdrawn


async def _say_waiting(ticket: Ticket, services: Services) -> None:
    if ticket.placeholder_id is None:
        return
    text = texts(ticket.locale).say(
        "⏳ My workshop does not answer right now. I keep your photo and go on by myself as soon as it does."
    )
    keyboard = progress_keyboard(ticket.job_id, ticket.locale)
    await services.outbox.progress(ticket.chat_id, ticket.placeholder_id, text, keyboard)


async def _tell(answer: Answer, ticket: Ticket, services: Services) -> None:
    match answer:
        case Refused() | Restricted():
            await tell_refusal(answer, ticket, services, from_feed=False)
        case JobView():
            await _tell_place(answer, ticket, services)
        case _:
            assert_never(answer)


async def _tell_place(view: JobView, ticket: Ticket, services: Services) -> None:
    """An outcome, or the person's Cancel, may have overtaken us; then the placeholder is no longer ours to write."""
    now = await services.store.ticket_of_job(ticket.job_id)
    if now is None or now.ended:
        await services.engine.cancel(ticket.job_id)  # stays as it is where it has ended
        return
    if view.outcome is not None or ticket.placeholder_id is None:
        return
    text = progress_text(view, ticket.locale)
    keyboard = progress_keyboard(ticket.job_id, ticket.locale)
    await services.outbox.progress(ticket.chat_id, ticket.placeholder_id, text, keyboard)


async def _end_with(text: Html, ticket: Ticket, services: Services) -> None:
    note = EditText(
        chat_id=ticket.chat_id,
        message_id=ticket.placeholder_id,
        text=text,
        thread_id=ticket.thread_id,
        answer_to=ticket.message_id,
    )
    await services.outbox.put(f"outcome:{ticket.job_id}", note)
    await services.store.end_ticket(ticket.job_id)


_LATER: tuple[tuple[type[errors.RetryLater], str], ...] = (
    (
        errors.TooManyRefusals,
        mark("🖐 I had to say no several times in a row, so let us both take a short break."),
    ),
    (errors.GroupQuotaExceeded, mark("🖐 As many clips of this group are waiting as one group can have.")),
    (errors.DayQuotaExceeded, mark("🖐 You have had as many clips today as one person can have.")),
    (errors.QuotaExceeded, mark("🖐 You have as many clips waiting as one person can have.")),
    (errors.CheckFailed, mark("😔 My checks are not working right now, and I make nothing unchecked.")),
    (errors.RetryLater, mark("🖐 Too many clips are waiting right now.")),
)
"""The first that fits: an error stands before those that it is a kind of."""


def _say_surprise(say: Texts, error: Exception) -> Html:
    nothing_charged = say.say("Nothing was charged.")
    match error:
        case errors.PhotoRejected(problem=problem):
            return say_photo_problem(say, problem)
        case errors.Suspended():
            what = say.say("⛔ An operator has decided that I make nothing for you.")
            when = say.say("If you think that this is a mistake, please write to whoever runs this bot.")
        case errors.RetryLater(retry_after_seconds=seconds):
            what = say.say(next(message for kind, message in _LATER if isinstance(error, kind)))
            when = say.say("Please send the photo again in about {time}.", time=say.duration(seconds))
        case errors.NotFound():
            what = say.say("🤷 I no longer know what you asked for then.")
            when = say.say("Please send the photo again.")
        case TelegramError():
            what = say.say("😔 Telegram does not give me this photo.")
            when = say.say("Please send it again.")
        case _:
            what = say.say("😔 Something went wrong on my side.")
            when = say.say("Please send the photo again.")
    return paragraphs(what, when, nothing_charged)
