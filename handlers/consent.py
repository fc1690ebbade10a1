"""`/animate` in reply to somebody else's photo: its author is asked by a button, and nothing happens without their yes."""

from __future__ import annotations

import msgspec
from telegram import CallbackQuery, Message

from handlers.buttons import Action, Press, button
from handlers.context import Context, EditText, SendText, Services, Ticket
from handlers.group_rules import barred
from handlers.group_values import Consent
from handlers.order import Order, place
from handlers.people import is_admin, sender_of
from handlers.replies import answer_press, reply
from handlers.texts import Html, Texts, locale_of, texts


async def ask(message: Message, original: Message, ticket: Ticket, prompt: str, context: Context) -> None:
    """`message` asks for a clip of `original`. Who cannot press a button, a bot or a channel, cannot agree."""
    services, say = context.services, texts(ticket.locale)
    author = _author(original)
    if author is None:
        await reply(message, "consent", _say_nobody(say), services)
        return
    if await barred(ticket, context):
        return
    consent = Consent(
        job_id=ticket.job_id,
        chat_id=message.chat.id,
        user_id=ticket.user_id,
        author_id=author,
        prompt=prompt,
        ticket=msgspec.json.encode(ticket).decode(),
    )
    await services.store.ask_author(consent)
    keyboard = (
        (
            button(say.plain("✅ Yes, go ahead"), Action.CONSENT, ticket.job_id),
            button(say.plain("No"), Action.NO_CONSENT, ticket.job_id),
        ),
    )
    note = SendText(
        chat_id=message.chat.id,
        text=_say_asked(_locale_of(original), ticket.maker_name),
        keyboard=keyboard,
        thread_id=ticket.thread_id,
        answer_to=original.message_id,
    )
    await services.outbox.put(f"consent:{ticket.job_id}", note)


async def press_consent(press: Press, query: CallbackQuery, context: Context) -> None:
    consent = await _theirs(press, query, context)
    if consent is None:
        return
    services, say = context.services, texts(query.from_user.language_code)
    await answer_press(query, say.plain("On it…"))
    await _end(query, say.say("✅ {name} agrees.", name=query.from_user.full_name), services)
    ticket = msgspec.structs.replace(
        msgspec.json.decode(consent.ticket, type=Ticket), chat_id=consent.chat_id
    )
    await place(Order(ticket=ticket, prompt=consent.prompt), context)
    await services.store.end_consent(consent.job_id)


async def press_no_consent(press: Press, query: CallbackQuery, context: Context) -> None:
    """By the author, or by who asked."""
    consent = await _theirs(press, query, context, also_asker=True)
    if consent is None:
        return
    services, say = context.services, texts(query.from_user.language_code)
    await services.store.end_consent(consent.job_id)
    await answer_press(query)
    await _end(query, say.say("All right, the photo stays as it is."), services)


ACTIONS = {Action.CONSENT: press_consent, Action.NO_CONSENT: press_no_consent}


async def _theirs(
    press: Press, query: CallbackQuery, context: Context, *, also_asker: bool = False
) -> Consent | None:
    """What was asked, when the press is the author's; else the press is answered. No admin agrees for another person."""
    consent = await context.services.store.consent(press.subject)
    say = texts(query.from_user.language_code)
    if consent is None:
        await answer_press(query, say.plain("This question is too old."))
        return None
    presser = query.from_user.id
    anonymous = consent.author_id == consent.chat_id and await is_admin(consent.chat_id, presser, context)
    if presser == consent.author_id or anonymous or (also_asker and presser == consent.user_id):
        return consent
    await answer_press(query, say.plain("Only the person who sent the photo can decide that."))
    return None


async def _end(query: CallbackQuery, text: Html, services: Services) -> None:
    if query.message is not None:
        note = EditText(chat_id=query.message.chat.id, message_id=query.message.message_id, text=text)
        await services.outbox.put(f"consented:{query.id}", note)


def _author(original: Message) -> int | None:
    """An anonymous admin is the group; any of its admins may answer."""
    if original.sender_chat is not None:
        return original.chat.id if original.sender_chat.id == original.chat.id else None
    user = original.from_user
    return None if user is None or user.is_bot else user.id


def _locale_of(original: Message) -> Texts:
    """The author is the one who must understand the question."""
    if original.sender_chat is not None:
        return texts(sender_of(original).locale)
    user = original.from_user
    return texts(locale_of(user.language_code if user else None))


def _say_asked(say: Texts, name: str) -> Html:
    return say.say(
        "🙋 {name} asks to bring this photo of yours to life. Do you agree? Without your yes nothing happens.",
        name=name,
    )


def _say_nobody(say: Texts) -> Html:
    return say.say("I can't ask anybody whether this photo may be brought to life, so I leave it alone.")
