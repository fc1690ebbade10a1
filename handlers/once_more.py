"""Under a delivered clip: once more with another seed, once more with other words, and a thumb up or down."""

from __future__ import annotations

import secrets

import msgspec
from telegram import CallbackQuery, ForceReply, Message, ReplyParameters, Update

from engine import logs
from engine.schema import MAX_PROMPT_CHARACTERS
from handlers import help as help_
from handlers.buttons import Action, Press
from handlers.context import Context, Question, Ticket
from handlers.order import Order, place
from handlers.people import may_press, sender_of
from handlers.photo import acknowledge, say_too_long
from handlers.replies import answer_press, reply
from handlers.texts import texts

log = logs.get("once_more")


async def press_again(press: Press, query: CallbackQuery, context: Context) -> None:
    """The engine knows the words still; the bot never kept them."""
    ticket = await _own_ticket(press, query, context)
    if ticket is None:
        return
    say = texts(query.from_user.language_code)
    await answer_press(query, say.plain("On it…"))
    job_id = context.services.identities.job_id(ticket.chat_id, ticket.message_id, press=f"again:{query.id}")
    await place(Order(ticket=_next(ticket, job_id), prompt="", repeat=press.subject), context)


async def press_change(press: Press, query: CallbackQuery, context: Context) -> None:
    """Asks for other words; the answer to that message is a new request with the same photo."""
    ticket = await _own_ticket(press, query, context)
    if ticket is None:
        return
    say = texts(query.from_user.language_code)
    await answer_press(query)
    asked = await context.bot.send_message(
        ticket.chat_id,
        say.say("✏️ What shall move instead? Answer this message with your words."),
        message_thread_id=ticket.thread_id,
        reply_parameters=ReplyParameters(ticket.message_id, allow_sending_without_reply=True),
        reply_markup=ForceReply(selective=True, input_field_placeholder=say.plain("snow, slow zoom in")),
    )
    question = Question(
        chat_id=ticket.chat_id, message_id=asked.message_id, job_id=ticket.job_id, user_id=ticket.user_id
    )
    await context.services.store.ask(question)


async def press_like(press: Press, query: CallbackQuery, context: Context) -> None:
    await _rate(press, query, context, good=True)


async def press_dislike(press: Press, query: CallbackQuery, context: Context) -> None:
    await _rate(press, query, context, good=False)


async def answered(update: Update, context: Context) -> None:
    """A text that answers a message of ours: new words for a clip, where that message asked for them."""
    message = update.effective_message
    if message is None or message.reply_to_message is None:
        return
    services = context.services
    question = await services.store.question(message.chat.id, message.reply_to_message.message_id)
    sender = sender_of(message)
    ticket = None if question is None else await services.store.ticket_of_job(question.job_id)
    if question is None or ticket is None or sender.user_id != question.user_id:
        if message.chat.type == message.chat.PRIVATE:
            await help_.not_a_photo(update, context)
        return
    await _with_other_words(message, ticket, context)


async def _with_other_words(message: Message, ticket: Ticket, context: Context) -> None:
    words = (message.text or "").strip()
    if len(words) > MAX_PROMPT_CHARACTERS:
        say = texts(sender_of(message).locale)
        await reply(message, "long", say_too_long(say, len(words)), context.services)
        return
    await acknowledge(message, context)
    job_id = context.services.identities.job_id(message.chat.id, message.message_id)
    changed = msgspec.structs.replace(
        _next(ticket, job_id), message_id=message.message_id, locale=sender_of(message).locale
    )
    await place(Order(ticket=changed, prompt=words), context)


async def _rate(press: Press, query: CallbackQuery, context: Context, *, good: bool) -> None:
    """Counted for the operator; the last press counts."""
    ticket = await _own_ticket(press, query, context)
    if ticket is not None:
        await context.services.store.rate(ticket.job_id, query.from_user.id, good=good)
        say = texts(query.from_user.language_code)
        await answer_press(query, say.plain("Thank you! I pass it on to the operator, as a number only."))


async def _own_ticket(press: Press, query: CallbackQuery, context: Context) -> Ticket | None:
    """The press is answered where it is somebody else's, or the ticket is gone."""
    ticket = await context.services.store.ticket_of_job(press.subject)
    say = texts(query.from_user.language_code)
    if ticket is None:
        await answer_press(query, say.plain("This clip is too old."))
        return None
    if not await may_press(query, owner_id=ticket.user_id, chat_id=ticket.chat_id, context=context):
        await answer_press(query, say.plain("Only the person who made the clip can do that."))
        return None
    return ticket


def _next(ticket: Ticket, job_id: str) -> Ticket:
    return msgspec.structs.replace(
        ticket, reply_to=secrets.token_urlsafe(18), job_id=job_id, placeholder_id=None, ended=False
    )


ACTIONS = {
    Action.AGAIN: press_again,
    Action.CHANGE: press_change,
    Action.LIKE: press_like,
    Action.DISLIKE: press_dislike,
}
