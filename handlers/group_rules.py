"""Whether a group's own settings let somebody make a clip in it, or share one into it; and how to say that they don't."""

from __future__ import annotations

from handlers.context import ClipRecord, Context, SendText, Ticket
from handlers.group_values import GroupRules, Who
from handlers.people import is_admin
from handlers.texts import Html, Texts, paragraphs, texts

DAY_SECONDS = 86_400.0


async def barred(ticket: Ticket, context: Context) -> bool:
    """Whether the group does not let this be made; then it is said why, once."""
    if not ticket.in_group:
        return False
    services = context.services
    why = await _why_not_made(ticket, context)
    if why is None:
        return False
    note = SendText(chat_id=ticket.chat_id, text=why, thread_id=ticket.thread_id, answer_to=ticket.message_id)
    await services.outbox.put(f"barred:{ticket.job_id}", note)
    return True


async def why_not_shared(clip: ClipRecord, chat_id: int, say: Texts, context: Context) -> Html | None:
    """Asked at the moment of sharing: the group may have changed its settings since the clip was made."""
    services = context.services
    rules, now = await services.store.group_rules(chat_id), services.now()
    if not await _belongs(rules.sharers, chat_id, clip.user_id, context):
        return (
            say.say("In this group only its admins share clips.")
            if _admins(rules.sharers)
            else say.say("This group has chosen not to have clips shared into it.")
        )
    if clip.shows_people and not rules.people:
        return say.say("This group has chosen not to have clips of people shared into it.")
    return _say_quiet(rules, now, say) if rules.is_quiet(now) else None


async def _why_not_made(ticket: Ticket, context: Context) -> Html | None:
    services, say = context.services, texts(ticket.locale)
    rules, now = await services.store.group_rules(ticket.chat_id), services.now()
    if not await _belongs(rules.makers, ticket.chat_id, ticket.user_id, context):
        return (
            say.say("In this group only its admins make clips.")
            if _admins(rules.makers)
            else say.say("This group has chosen not to have clips made in it.")
        )
    if rules.is_quiet(now):
        return _say_quiet(rules, now, say)
    if rules.clips_per_day:
        count, first = await services.store.clips_today(ticket.chat_id, ticket.user_id)
        if count >= rules.clips_per_day:
            return _say_used_up(rules.clips_per_day, first + DAY_SECONDS - now, say)
    return None


async def _belongs(who: Who, chat_id: int, user_id: int, context: Context) -> bool:
    match who:
        case Who.EVERYBODY:
            return True
        case Who.ADMINS:
            return await is_admin(chat_id, user_id, context)
        case Who.NOBODY:
            return False


def _admins(who: Who) -> bool:
    return who is Who.ADMINS


def _say_quiet(rules: GroupRules, now: float, say: Texts) -> Html:
    seconds_left = 3600 * ((rules.quiet_until - rules.local_hour(now)) % 24) - now % 3600
    return say.say("🌙 It is quiet in this group for another {time}.", time=say.duration(seconds_left))


def _say_used_up(most: int, seconds: float, say: Texts) -> Html:
    return paragraphs(
        say.count(
            "🖐 In this group each of you can have {number} clip a day.",
            "🖐 In this group each of you can have {number} clips a day.",
            most,
        ),
        say.say("The next one can be made in {time}.", time=say.duration(seconds)),
    )
