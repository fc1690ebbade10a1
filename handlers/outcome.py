"""An outcome from the engine becomes what the person sees: the clip in place of the placeholder, or why there is none."""

from __future__ import annotations

from typing import assert_never

from engine import logs
from engine.errors import NotFound
from engine.schema import Animated, Canceled, Failed, Refused, Restricted
from handlers.buttons import Action, button, in_rows
from handlers.cancel import canceled_note
from handlers.context import (
    Context,
    DeleteMessage,
    EditText,
    EditToVideo,
    EngineOutcome,
    Keyboard,
    Services,
    Ticket,
)
from handlers.phrases import label_preset, name_effects, name_sounds, say_failure, say_made_with_ai
from handlers.refusal import tell_refusal
from handlers.texts import Html, Texts, cleaned, paragraphs, texts

log = logs.get("outcome")

MAX_QUOTES = 5
MAX_NAMED = 9
"""Motions named in a row: with the quotations they must fit under a video."""
MAX_QUOTE_CHARACTERS = 80
"""Telegram takes 1024 characters of caption; five quotes leave room for all the rest in every language."""


async def tell(outcome: EngineOutcome, context: Context) -> None:
    """Repeatable: the outbox says each outcome once, and acknowledges it to the engine."""
    services, what = context.services, outcome.outcome
    ticket = await services.store.ticket(what.reply_to)
    if ticket is None:
        await _drop(what.job_id, services)
        return
    match what:
        case Refused() | Restricted():
            await tell_refusal(what, ticket, services, from_feed=True)
            return
        case Animated():
            note: EditToVideo | EditText = _clip_note(what, ticket, edit=services.rules.edit_into_clip)
        case Failed():
            note = failure_note(what, ticket)
        case Canceled():
            note = canceled_note(ticket, from_feed=True)
        case _:
            assert_never(what)
    await services.outbox.put(f"outcome:{what.job_id}", note)
    if isinstance(note, EditToVideo) and note.message_id is None and ticket.placeholder_id is not None:
        old = DeleteMessage(chat_id=ticket.chat_id, message_id=ticket.placeholder_id)
        await services.outbox.put(f"placeholder:{what.job_id}", old)
    await services.store.end_ticket(what.job_id)


def clip_caption(clip: Animated, say: Texts) -> Html:
    """The AI label in words, for screen readers too; then what moves, what does not, and why."""
    quotes = [
        say.say("“{words}”", words=cleaned(words, limit=MAX_QUOTE_CHARACTERS))
        for words in clip.not_possible[:MAX_QUOTES]
    ]
    return paragraphs(
        say_made_with_ai(say, clip.label),
        say.say("Moves: {motions}.", motions=name_effects(say, clip.moved[:MAX_NAMED])) if clip.moved else "",
        say.say("Not found in this photo: {motions}.", motions=name_effects(say, clip.not_found[:MAX_NAMED]))
        if clip.not_found
        else "",
        say.say("I can't do that yet: {quotes}.", quotes=say.listing(quotes)) if quotes else "",
        _say_sound(clip, say),
    )


def _say_sound(clip: Animated, say: Texts) -> str:
    """Nobody shall take what they hear for a recording."""
    if clip.sounds:
        return say.say("Synthetic sound: {sounds}.", sounds=name_sounds(say, clip.sounds))
    return say.say("The sound is synthetic, too.") if clip.has_sound else ""


async def _drop(job_id: str, services: Services) -> None:
    """Nobody waits for it: the bot's file was replaced or is past its retention."""
    log.warning("outcome without a ticket", job_id=job_id)
    try:
        await services.engine.acknowledge(job_id)
    except NotFound:
        return


def _clip_note(clip: Animated, ticket: Ticket, *, edit: bool) -> EditToVideo:
    say = texts(ticket.locale)
    return EditToVideo(
        chat_id=ticket.chat_id,
        message_id=ticket.placeholder_id if edit else None,
        job_id=clip.job_id,
        caption=clip_caption(clip, say),
        keyboard=(*_suggestions(clip, say), *_clip_keyboard(clip.job_id, say, in_group=ticket.in_group)),
        width=clip.width,
        height=clip.height,
        duration_seconds=clip.duration_seconds,
        nudge=say.say("✨ Your clip is ready."),
        label=clip.label,
        shows_people=clip.shows_people,
        gone=gone_sentence(say),
        thread_id=ticket.thread_id,
        answer_to=ticket.message_id,
    )


def gone_sentence(say: Texts) -> Html:
    return say.say("This clip is no longer stored. You can send the photo again.")


def _suggestions(clip: Animated, say: Texts) -> Keyboard:
    """For a photo without a wish: motions that suit it, a tap away."""
    return in_rows(
        [button(label_preset(say, look), Action.PRESET, clip.job_id, look=look) for look in clip.suggestions]
    )


def _clip_keyboard(job_id: str, say: Texts, *, in_group: bool) -> Keyboard:
    """Where others see the clip they can report it; which groups somebody is in is asked in private only."""
    again = button(say.plain("🔁 Again"), Action.AGAIN, job_id)
    change = button(say.plain("✏️ Other words"), Action.CHANGE, job_id)
    original = button(say.plain("📎 Original file"), Action.ORIGINAL, job_id)
    delete = button(say.plain("🗑 Delete"), Action.DELETE, job_id)
    verify = button(say.plain("🔎 Verify"), Action.VERIFY, job_id)
    thumbs = (button("👍", Action.LIKE, job_id), button("👎", Action.DISLIKE, job_id))
    if in_group:
        report = button(say.plain("🚩 Report"), Action.REPORT_CLIP, job_id)
        return (again, change), (original, verify), (*thumbs, delete), (report,)
    share = button(say.plain("📤 Share to a group"), Action.SHARE, job_id)
    return (share,), (again, change), (original, verify), (*thumbs, delete)


def failure_note(failed: Failed, ticket: Ticket) -> EditText:
    return EditText(
        chat_id=ticket.chat_id,
        message_id=ticket.placeholder_id,
        text=say_failure(texts(ticket.locale), failed.cause),
        job_id=failed.job_id,
        thread_id=ticket.thread_id,
        answer_to=ticket.message_id,
    )
