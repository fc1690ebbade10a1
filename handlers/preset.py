"""A preset motion under a refusal: the same photo once more, with that look."""

from __future__ import annotations

import secrets

import msgspec
from telegram import CallbackQuery

from handlers.buttons import Press
from handlers.context import Context, Ticket
from handlers.order import Order, place
from handlers.people import may_press
from handlers.replies import answer_press
from handlers.texts import texts


async def press_preset(press: Press, query: CallbackQuery, context: Context) -> None:
    """A second press of the same look finds the first one's job."""
    services = context.services
    refused = await services.store.ticket_of_job(press.subject)
    say = texts(query.from_user.language_code)
    if refused is None or press.look is None:
        await answer_press(
            query, say.plain("This offer is too old. Please send the photo again."), alert=True
        )
    elif not await may_press(query, owner_id=refused.user_id, chat_id=refused.chat_id, context=context):
        await answer_press(query, say.plain("Only the person who sent the photo can choose."))
    else:
        await answer_press(query, say.plain("On it…"))
        job_id = services.identities.job_id(
            refused.chat_id, refused.message_id, press=f"{refused.job_id}:{press.look}"
        )
        await place(Order(ticket=_next_ticket(refused, job_id), prompt="", look=press.look), context)


def _next_ticket(refused: Ticket, job_id: str) -> Ticket:
    """With a placeholder of its own: the refusal stays, and its other motions can be tried, too."""
    return msgspec.structs.replace(
        refused, reply_to=secrets.token_urlsafe(18), job_id=job_id, placeholder_id=None, ended=False
    )
