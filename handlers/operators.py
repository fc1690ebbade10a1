"""The operators' chat: reports and appeals as cards with buttons, what was decided, and the figures.

Whoever is in that chat is an operator; nobody else's press or command counts, whatever a client sends.
"""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable

from telegram import CallbackQuery, Update

from engine import logs
from engine.errors import Conflict, EngineUnavailable, NotFound
from engine.schema import (
    AppealRequest,
    DecisionRequest,
    Figures,
    OperatorDecision,
    Reason,
    SuspensionRequest,
)
from handlers.buttons import Action, Press, button, in_rows
from handlers.context import Context, DeleteMessage, EditText, Keyboard, SendText, Services
from handlers.people import may_press
from handlers.phrases import EXPLANATIONS
from handlers.replies import answer_press, reply
from handlers.story import end_stories_of, show_again
from handlers.texts import SOURCE_LANGUAGE, Html, Texts, paragraphs, texts

log = logs.get("operators")

RULES = (
    Reason.SEXUAL,
    Reason.MINOR_SAFETY,
    Reason.VIOLENCE,
    Reason.HATE,
    Reason.HUMILIATION,
    Reason.DEFAMATION,
    Reason.PUBLIC_FIGURE,
    Reason.FAKE_NEWS,
    Reason.FRAUD,
    Reason.PRIVATE_DATA,
)
"""What a clip can be removed for: the maker is told the rule, in their language."""


def card_keyboard(job_id: str, say: Texts) -> Keyboard:
    return (
        (
            button(say.plain("✅ Keep"), Action.KEEP, job_id),
            button(say.plain("🗑 Remove"), Action.REMOVE, job_id),
        ),
        (button(say.plain("⛔ Ban the maker"), Action.BAN, job_id),),
    )


async def press_keep(press: Press, query: CallbackQuery, context: Context) -> None:
    if await _decided(press, query, context, OperatorDecision.KEEP):
        say = texts(SOURCE_LANGUAGE)
        await show_again(press.subject, context.services, key=query.id)
        await _end_card(query, say.say("✅ Kept. It can be shared again."), (), context.services)


async def press_remove(press: Press, query: CallbackQuery, context: Context) -> None:
    """First the rule is asked for. Then every copy that the bot posted goes, and the maker is told which and how to appeal."""
    services, say = context.services, texts(SOURCE_LANGUAGE)
    rule = next((rule for rule in RULES if rule.value == press.look), None)
    if rule is None:
        await _ask_for_rule(press, query, services)
        return
    if not await _decided(press, query, context, OperatorDecision.REMOVE, reason=rule):
        return
    await end_stories_of(press.subject, services)
    clip = await services.store.clip(press.subject)
    if clip is not None:
        gone = DeleteMessage(chat_id=clip.chat_id, message_id=clip.message_id)
        await services.outbox.put(f"removed:{press.subject}", gone)
        await _tell_maker(clip.user_id, press.subject, rule, services)
    keyboard = ((button(say.plain("↩️ Restore"), Action.RESTORE, press.subject),),)
    await _end_card(
        query, say.say("🗑 Removed everywhere. The maker was told why, and can appeal."), keyboard, services
    )


async def _ask_for_rule(press: Press, query: CallbackQuery, services: Services) -> None:
    """The names of the policy page, which operators know."""
    say = texts(SOURCE_LANGUAGE)
    if not _is_operator(query, services) or query.message is None:
        await answer_press(query, say.plain("This button is for operators."))
        return
    await answer_press(query, say.plain("Which rule does it break?"))
    rules = [button(rule.value, Action.REMOVE, press.subject, look=rule.value) for rule in RULES]
    keep = button(say.plain("✅ Keep"), Action.KEEP, press.subject)
    text = paragraphs(_text_of(query), say.say("Which rule does it break?"))
    await services.outbox.progress(
        query.message.chat.id, query.message.message_id, text, (*in_rows(rules), (keep,))
    )


async def press_restore(press: Press, query: CallbackQuery, context: Context) -> None:
    if not await _decided(press, query, context, OperatorDecision.RESTORE):
        return
    services, say = context.services, texts(SOURCE_LANGUAGE)
    ticket = await services.store.ticket_of_job(press.subject)
    if ticket is not None and ticket.user_id > 0:
        theirs = texts(ticket.locale)
        text = theirs.say(
            "↩️ A person looked at your clip again and restored it. “Original file” gives it to you."
        )
        keyboard = ((button(theirs.plain("📎 Original file"), Action.ORIGINAL, press.subject),),)
        note = SendText(chat_id=ticket.user_id, text=text, keyboard=keyboard)
        await services.outbox.put(f"restored:{query.id}", note)
    await _end_card(query, say.say("↩️ Restored. The maker was told."), (), services)


async def press_ban(press: Press, query: CallbackQuery, context: Context) -> None:
    await _suspend(press, query, context, hours=None)


async def press_unban(press: Press, query: CallbackQuery, context: Context) -> None:
    await _suspend(press, query, context, hours=0)


async def press_appeal(press: Press, query: CallbackQuery, context: Context) -> None:
    """By the maker, under a refusal or the news of a removal; once."""
    services = context.services
    ticket = await services.store.ticket_of_job(press.subject)
    say = texts(query.from_user.language_code)
    if ticket is None:
        await answer_press(query, say.plain("This is too old to appeal."))
        return
    if not await may_press(query, owner_id=ticket.user_id, chat_id=ticket.chat_id, context=context):
        await answer_press(query, say.plain("Only the person who made the clip can do that."))
        return
    try:
        request = AppealRequest(requester=services.identities.requester(ticket.user_id))
        await services.engine.appeal(press.subject, request)
    except Conflict:
        await answer_press(query, say.plain("A person looks at it already."))
        return
    except NotFound:
        await answer_press(query, say.plain("This is too old to appeal."))
        return
    except EngineUnavailable:
        await answer_press(
            query, say.plain("I can't do that right now. Please try again in a minute."), alert=True
        )
        return
    await answer_press(query, say.plain("Thank you. A person looks at it and answers you here."), alert=True)
    await _put_appeal_card(press.subject, services)


async def press_uphold(press: Press, query: CallbackQuery, context: Context) -> None:
    await _answer_appeal(press, query, context, agreed=False)


async def press_agree(press: Press, query: CallbackQuery, context: Context) -> None:
    await _answer_appeal(press, query, context, agreed=True)


async def _answer_appeal(press: Press, query: CallbackQuery, context: Context, *, agreed: bool) -> None:
    services, say = context.services, texts(SOURCE_LANGUAGE)
    if not _is_operator(query, services):
        await answer_press(query, say.plain("This button is for operators."))
        return
    await answer_press(query)
    ticket = await services.store.ticket_of_job(press.subject)
    if ticket is not None and ticket.user_id > 0:
        theirs = texts(ticket.locale)
        text = (
            theirs.say(
                "⚖️ A person looked at your appeal and agrees with you: the refusal was a mistake, and the rule is looked at. For now, other words may help."
            )
            if agreed
            else theirs.say("⚖️ A person looked at your appeal, and it stays as it is.")
        )
        await services.outbox.put(f"answer:{press.subject}", SendText(chat_id=ticket.user_id, text=text))
    told = (
        say.say("👍 They were told that they are right.")
        if agreed
        else say.say("✋ It stays so; they were told.")
    )
    await _end_card(query, told, (), services)


async def show_queue(update: Update, context: Context) -> None:
    await _in_operators_chat(update, context, _say_queue)


async def show_stats(update: Update, context: Context) -> None:
    await _in_operators_chat(update, context, _say_stats)


async def pause(update: Update, context: Context) -> None:
    async def work(services: Services, say: Texts) -> Html:
        await services.engine.pause(on=True)
        return say.say("⏸ Paused. Requests are taken in and wait; /resume goes on.")

    await _in_operators_chat(update, context, work)


async def resume(update: Update, context: Context) -> None:
    async def work(services: Services, say: Texts) -> Html:
        await services.engine.pause(on=False)
        return say.say("▶️ Going on.")

    await _in_operators_chat(update, context, work)


ACTIONS = {
    Action.KEEP: press_keep,
    Action.REMOVE: press_remove,
    Action.RESTORE: press_restore,
    Action.BAN: press_ban,
    Action.UNBAN: press_unban,
    Action.APPEAL: press_appeal,
    Action.UPHOLD: press_uphold,
    Action.AGREE: press_agree,
}


async def _decided(
    press: Press,
    query: CallbackQuery,
    context: Context,
    decision: OperatorDecision,
    *,
    reason: Reason | None = None,
) -> bool:
    """In the engine's ledger, with who decided. False where the press does not count, or came to nothing."""
    services, say = context.services, texts(SOURCE_LANGUAGE)
    if not _is_operator(query, services):
        await answer_press(query, say.plain("This button is for operators."))
        return False
    request = DecisionRequest(
        decision=decision,
        operator=services.identities.requester(query.from_user.id),
        reason=reason,
    )
    try:
        await services.engine.decide(press.subject, request)
    except NotFound:
        await answer_press(query, say.plain("There is no such clip any more."), alert=True)
        return False
    except EngineUnavailable:
        await answer_press(
            query, say.plain("I can't do that right now. Please try again in a minute."), alert=True
        )
        return False
    await answer_press(query)
    return True


async def _suspend(press: Press, query: CallbackQuery, context: Context, *, hours: float | None) -> None:
    services, say = context.services, texts(SOURCE_LANGUAGE)
    if not _is_operator(query, services):
        await answer_press(query, say.plain("This button is for operators."))
        return
    ticket = await services.store.ticket_of_job(press.subject)
    if ticket is None:
        await answer_press(query, say.plain("Who made it is no longer on record."), alert=True)
        return
    maker = services.identities.requester(ticket.user_id)
    await services.engine.suspend(maker, SuspensionRequest(hours=hours))
    await answer_press(query)
    if hours == 0:
        await _end_card(query, say.say("The maker may make clips again."), (), services)
        return
    keyboard = ((button(say.plain("Lift the ban"), Action.UNBAN, press.subject),),)
    await _end_card(query, say.say("⛔ The maker can make nothing any more."), keyboard, services)


def _is_operator(query: CallbackQuery, services: Services) -> bool:
    chat = query.message.chat.id if query.message else None
    return chat is not None and chat == services.rules.operator_chat_id


async def _end_card(query: CallbackQuery, verdict: Html, keyboard: Keyboard, services: Services) -> None:
    """The card says what was decided and by whom, so that two operators do not decide twice."""
    if query.message is None:
        return
    say = texts(SOURCE_LANGUAGE)
    by = say.say("By {name}.", name=query.from_user.full_name)
    note = EditText(
        chat_id=query.message.chat.id,
        message_id=query.message.message_id,
        text=paragraphs(_text_of(query), verdict, by),
        keyboard=keyboard,
    )
    await services.outbox.put(f"decided:{query.id}", note)


def _text_of(query: CallbackQuery) -> Html:
    return Html(html.escape(getattr(query.message, "text", None) or "", quote=False))


async def _tell_maker(user_id: int, job_id: str, rule: Reason, services: Services) -> None:
    """A statement of reasons: what was done, where, why, who decided, and what can be done about it."""
    ticket = await services.store.ticket_of_job(job_id)
    if user_id < 0 or ticket is None:
        return
    say = texts(ticket.locale)
    text = paragraphs(
        say.say("🗑 <b>A clip of yours was removed</b>, here and in every group where it was shared."),
        say.say("Why: somebody reported it, and a person of the operator's found that it breaks this rule:"),
        say.say(EXPLANATIONS[rule].rule),
        say.say("No machine decided that. If you disagree, press “Appeal”: a person looks at it once more."),
    )
    keyboard = ((button(say.plain("⚖️ Appeal"), Action.APPEAL, job_id),),)
    await services.outbox.put(f"reasons:{job_id}", SendText(chat_id=user_id, text=text, keyboard=keyboard))


async def _put_appeal_card(job_id: str, services: Services) -> None:
    operator, say = services.rules.operator_chat_id, texts(SOURCE_LANGUAGE)
    if operator is None:
        log.warning("appeal without an operator's chat", job_id=job_id)
        return
    clip = await services.store.clip(job_id)
    right = (
        button(say.plain("↩️ Restore"), Action.RESTORE, job_id)
        if clip
        else button(say.plain("👍 They are right"), Action.AGREE, job_id)
    )
    keyboard = ((right, button(say.plain("✋ It stays so"), Action.UPHOLD, job_id)),)
    text = paragraphs(
        say.say("⚖️ <b>Appeal</b>"),
        say.say("Job <code>{job_id}</code>", job_id=job_id),
        say.say("Against a removal.") if clip else say.say("Against a refusal. What was sent is not kept."),
    )
    await services.outbox.put(f"appeal:{job_id}", SendText(chat_id=operator, text=text, keyboard=keyboard))


async def _in_operators_chat(
    update: Update, context: Context, work: Callable[[Services, Texts], Awaitable[Html]]
) -> None:
    """Elsewhere the command is none of ours, and nothing is said."""
    message, services = update.effective_message, context.services
    if message is None or message.chat.id != services.rules.operator_chat_id:
        return
    say = texts(SOURCE_LANGUAGE)
    try:
        text = await work(services, say)
    except EngineUnavailable:
        text = say.say("😔 My workshop does not answer right now. Please try again in a minute.")
    await reply(message, "operators", text, services)


async def _say_queue(services: Services, say: Texts) -> Html:
    engine = await services.engine.status()
    return paragraphs(
        say.say("Waiting: {queued}. Being made: {running}.", queued=engine.queued, running=engine.running),
        say.say("⏸ Paused; /resume goes on.") if engine.paused else "",
    )


async def _say_stats(services: Services, say: Texts) -> Html:
    figures = await services.engine.figures()
    up, down = await services.store.ratings()
    return paragraphs(
        say.say("📊 <b>The last 30 days</b>"),
        say.say("Requests: {count}", count=figures.requests),
        *_lines(say, figures),
        say.say("Clips of the last week: 👍 {up}, 👎 {down}.", up=up, down=down),
    )


def _lines(say: Texts, figures: Figures) -> list[Html]:
    told = {**figures.outcomes, **{f"refused: {reason}": n for reason, n in figures.refusals.items()}}
    told |= {"reports": figures.reports, "appeals": figures.appeals, **figures.decisions}
    return [say.say("{name}: {count}", name=name, count=count) for name, count in told.items()]
