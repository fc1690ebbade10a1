"""How a refusal is told: to its sender, and in a group no more than that there is none."""

from __future__ import annotations

from engine.schema import Refused, Restricted
from handlers.buttons import Action, button, in_rows
from handlers.context import EditText, Keyboard, SendText, Services, Ticket
from handlers.phrases import label_preset, say_refusal
from handlers.texts import Texts, texts


async def tell_refusal(
    answer: Refused | Restricted, ticket: Ticket, services: Services, *, from_feed: bool
) -> None:
    """The placeholder becomes the refusal; in a group a neutral sentence, and the reason goes to the sender alone.

    `from_feed`: the engine waits for an acknowledgement.
    """
    say = texts(ticket.locale)
    reason = say_refusal(say, answer)
    tell_alone = ticket.in_group and ticket.user_id > 0
    note = EditText(
        chat_id=ticket.chat_id,
        message_id=ticket.placeholder_id,
        text=_public(say, answer) if tell_alone else reason,
        keyboard=(*_presets(say, answer), *_appeal(say, answer, services)),
        job_id=ticket.job_id if from_feed else None,
        thread_id=ticket.thread_id,
        answer_to=ticket.message_id,
    )
    if tell_alone:
        await services.outbox.put(f"why:{ticket.job_id}", SendText(chat_id=ticket.user_id, text=reason))
    await services.outbox.put(f"outcome:{ticket.job_id}", note)
    await services.store.end_ticket(ticket.job_id)


def _appeal(say: Texts, answer: Refused | Restricted, services: Services) -> Keyboard:
    """Where there is somebody to appeal to, and something was refused: other motions are no refusal."""
    if isinstance(answer, Restricted) or answer.presets or services.rules.operator_chat_id is None:
        return ()
    return ((button(say.plain("⚖️ Appeal"), Action.APPEAL, answer.job_id),),)


def _public(say: Texts, answer: Refused | Restricted) -> str:
    if answer.presets:
        return say.say(
            "🙂 Not quite like this, but one of these motions works. I tell you why in private, if you have started me there."
        )
    return say.say("🙅 I can't make this one. I tell you why in private, if you have started me there.")


def _presets(say: Texts, answer: Refused | Restricted) -> Keyboard:
    return in_rows(
        [button(label_preset(say, look), Action.PRESET, answer.job_id, look=look) for look in answer.presets]
    )
