"""`/cancel` and the Cancel button: the person's own jobs end, and their placeholders say so."""

from __future__ import annotations

from telegram import CallbackQuery, Update

from engine.errors import EngineUnavailable, NotFound
from engine.schema import JobStatus
from handlers.buttons import Press
from handlers.context import Context, EditText, Services, Ticket
from handlers.people import may_press, sender_of
from handlers.replies import answer_press, reply
from handlers.texts import Html, Texts, texts

ENDED = frozenset({JobStatus.ANIMATED, JobStatus.REFUSED, JobStatus.FAILED})


async def cancel_all(update: Update, context: Context) -> None:
    """All own jobs; in a group those of this group."""
    message = update.effective_message
    if message is None:
        return
    services, sender = context.services, sender_of(message)
    say = texts(sender.locale)
    here = None if message.chat.type == message.chat.PRIVATE else message.chat.id
    tickets = await services.store.open_tickets(user_id=sender.user_id, chat_id=here)
    try:
        canceled = [ticket for ticket in tickets if await cancel_job(ticket, services)]
    except EngineUnavailable:
        text = say.say(
            "My workshop does not answer right now, so I can't cancel. Please try again in a minute."
        )
    else:
        text = _say_canceled(say, len(canceled))
    await reply(message, "cancel", text, services)


async def press_cancel(press: Press, query: CallbackQuery, context: Context) -> None:
    services = context.services
    ticket = await services.store.ticket_of_job(press.subject)
    say = texts(query.from_user.language_code)
    if ticket is None or ticket.ended:
        await answer_press(query, say.plain("This clip is no longer on its way."))
    elif not await may_press(query, owner_id=ticket.user_id, chat_id=ticket.chat_id, context=context):
        await answer_press(query, say.plain("Only the person who sent the photo can cancel it."))
    else:
        await answer_press(query, say.plain("Canceling…"))
        await cancel_job(ticket, services)


async def cancel_job(ticket: Ticket, services: Services) -> bool:
    """True where there will be no clip. The engine tells the end of a job that it knows; one that it does not
    know yet waits for it to answer, and ends here. Raises EngineUnavailable.
    """
    try:
        view = await services.engine.cancel(ticket.job_id)
    except NotFound:
        await services.outbox.put(f"outcome:{ticket.job_id}", canceled_note(ticket, from_feed=False))
    else:
        if view.status in ENDED:
            return False
    # A worker may need a moment to let go; for the person it is over now, and `/status` says so.
    await services.store.end_ticket(ticket.job_id)
    return True


def canceled_note(ticket: Ticket, *, from_feed: bool) -> EditText:
    return EditText(
        chat_id=ticket.chat_id,
        message_id=ticket.placeholder_id,
        text=texts(ticket.locale).say("✖️ Canceled. Nothing was charged."),
        job_id=ticket.job_id if from_feed else None,
        thread_id=ticket.thread_id,
        answer_to=ticket.message_id,
    )


def _say_canceled(say: Texts, number: int) -> Html:
    if not number:
        return say.say("You have no clip on its way.")
    return say.count("✖️ {number} clip is canceled.", "✖️ {number} clips are canceled.", number)
