"""The buttons under a delivered clip that are for its maker: the original file, and away with it."""

from __future__ import annotations

from telegram import CallbackQuery

from handlers.buttons import Press
from handlers.context import Context, DeleteMessage, SendOriginal
from handlers.outcome import gone_sentence
from handlers.people import may_press
from handlers.replies import answer_press
from handlers.story import end_stories_of
from handlers.texts import texts


async def press_original(press: Press, query: CallbackQuery, context: Context) -> None:
    """The signed file as a document, because a messenger may store a video of its own beside the one we sent."""
    services = context.services
    ticket = await services.store.ticket_of_job(press.subject)
    say = texts(query.from_user.language_code)
    if ticket is None or query.message is None:
        await answer_press(query, say.plain("This clip is too old."))
    elif not await may_press(query, owner_id=ticket.user_id, chat_id=ticket.chat_id, context=context):
        await answer_press(query, say.plain("Only the person who made the clip can do that."))
    else:
        await answer_press(query, say.plain("The file is on its way."))
        note = SendOriginal(
            chat_id=ticket.chat_id,
            job_id=ticket.job_id,
            caption=say.say("📎 The original file, with its signed credentials in it."),
            gone=gone_sentence(say),
            thread_id=ticket.thread_id,
            answer_to=query.message.message_id,
        )
        await services.outbox.put(f"original:{query.id}", note)


async def press_delete(press: Press, query: CallbackQuery, context: Context) -> None:
    """The clip goes, and with it every story of it.

    The message is the one that we know to hold the clip, not the one under which the press claims to be: a
    stranger's client can send any data from any message of ours.
    """
    services = context.services
    clip = await services.store.clip(press.subject)
    say = texts(query.from_user.language_code)
    if clip is None:
        await answer_press(
            query, say.plain("This clip is too old for me to delete; you can delete the message yourself.")
        )
    elif not await may_press(query, owner_id=clip.user_id, chat_id=clip.chat_id, context=context):
        await answer_press(query, say.plain("Only the person who made the clip can do that."))
    else:
        await answer_press(query, say.plain("Deleted."))
        note = DeleteMessage(chat_id=clip.chat_id, message_id=clip.message_id)
        await services.outbox.put(f"delete:{clip.chat_id}:{clip.message_id}", note)
        await end_stories_of(clip.job_id, services)
