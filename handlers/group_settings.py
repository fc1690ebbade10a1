"""`/settings` in a group: one button a setting, each press takes the next value; only an admin's press counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from msgspec.structs import replace
from telegram import CallbackQuery, Message

from handlers.buttons import NOTHING, Action, Press, button
from handlers.context import Button, Context, EditText, Keyboard
from handlers.group_values import GroupRules, Who
from handlers.people import is_admin, sender_of
from handlers.replies import answer_press, reply, thread_of
from handlers.texts import Html, Texts, mark, name_of_language, paragraphs, texts

T = TypeVar("T")

LIMITS = (0, 1, 2, 3, 5, 10, 20)
QUIET_HOURS: tuple[tuple[int | None, int], ...] = ((None, 0), (21, 6), (22, 7), (23, 8), (0, 9))
FURTHEST_HOURS = 14
"""Ahead of UTC; the furthest behind is 12."""

WHO: Mapping[Who, str] = {
    Who.EVERYBODY: mark("everybody"),
    Who.ADMINS: mark("admins"),
    Who.NOBODY: mark("nobody"),
}


async def show(message: Message, context: Context) -> None:
    services, chat_id = context.services, message.chat.id
    say = texts(sender_of(message).locale)
    rules = await services.store.group_rules(chat_id)
    language = (await services.store.preferences(chat_id)).language
    keyboard = _keyboard(rules, language, say, now=services.now(), thread=thread_of(message))
    await reply(message, "settings", _say_settings(say), services, keyboard=keyboard)


async def press_setting(press: Press, query: CallbackQuery, context: Context) -> None:
    """The group is where the press came from, and Telegram says so."""
    message = query.message
    if message is None or message.chat.id == query.from_user.id:
        return
    services, chat_id = context.services, message.chat.id
    say = texts(query.from_user.language_code)
    if not await is_admin(chat_id, query.from_user.id, context):
        await answer_press(query, say.plain("Only an admin of this group can do that."))
        return
    thread = thread_of(message) if isinstance(message, Message) else None
    rules = changed(await services.store.group_rules(chat_id), press.look or "", thread=thread)
    await services.store.set_group_rules(chat_id, rules)
    await answer_press(query)
    language = (await services.store.preferences(chat_id)).language
    keyboard = _keyboard(rules, language, say, now=services.now(), thread=thread)
    note = EditText(
        chat_id=chat_id, message_id=message.message_id, text=_say_settings(say), keyboard=keyboard
    )
    await services.outbox.put(f"setting:{query.id}", note)


def changed(rules: GroupRules, field: str, *, thread: int | None) -> GroupRules:
    """The next value of a field; of one that there is not any more, nothing. `thread`: the topic of the press."""
    match field:
        case "makers":
            return replace(rules, makers=_next(tuple(Who), rules.makers))
        case "sharers":
            return replace(rules, sharers=_next(tuple(Who), rules.sharers))
        case "people":
            return replace(rules, people=not rules.people)
        case "day":
            return replace(rules, clips_per_day=_next(LIMITS, rules.clips_per_day))
        case "quiet":
            start, end = _next(QUIET_HOURS, (rules.quiet_from, rules.quiet_until))
            return replace(rules, quiet_from=start, quiet_until=end)
        case "later":
            return replace(rules, utc_hours=_on_earth(rules.utc_hours + 1))
        case "earlier":
            return replace(rules, utc_hours=_on_earth(rules.utc_hours - 1))
        case "topic":
            return replace(rules, story_thread=None if rules.story_thread == thread else thread)
        case _:
            return rules


def _next(values: Sequence[T], value: T) -> T:
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]


def _on_earth(hours: int) -> int:
    """Every zone of the earth can be reached in either direction."""
    return (hours + FURTHEST_HOURS - 2) % 27 - 12


def _keyboard(
    rules: GroupRules, language: str | None, say: Texts, *, now: float, thread: int | None
) -> Keyboard:
    people = say.plain("welcome") if rules.people else say.plain("not shared here")
    day = str(rules.clips_per_day) if rules.clips_per_day else say.plain("no limit")
    spoken = name_of_language(language) if language else say.plain("as in each person's app")
    rows: list[tuple[Button, ...]] = [
        (_setting(say.plain("🎬 Who makes clips: {who}", who=say.plain(WHO[rules.makers])), "makers"),),
        (_setting(say.plain("📤 Who shares clips: {who}", who=say.plain(WHO[rules.sharers])), "sharers"),),
        (_setting(say.plain("👤 Clips of people: {people}", people=people), "people"),),
        (_setting(say.plain("🔢 Clips a day for each: {limit}", limit=day), "day"),),
        (_setting(say.plain("🌙 Quiet hours: {hours}", hours=_say_hours(rules, say)), "quiet"),),
    ]
    if rules.quiet_from is not None:
        here = say.plain("🕐 Here it is {time}", time=_clock(rules, now))
        rows.append((_setting("−1", "earlier"), _setting(here, "later"), _setting("+1", "later")))
    if thread is not None or rules.story_thread is not None:
        topic = (
            say.plain("📌 Stories: in this topic")
            if rules.story_thread is not None and rules.story_thread == thread
            else say.plain("📌 Stories: in another topic")
            if rules.story_thread is not None
            else say.plain("📌 Stories: in no topic")
        )
        rows.append((_setting(topic, "topic"),))
    rows.append(
        (button(say.plain("🌍 Language: {language}", language=spoken), Action.LANGUAGE, NOTHING, look=MENU),)
    )
    return tuple(rows)


MENU = "?"
"""In place of a language: show which there are."""


def _setting(text: str, field: str) -> Button:
    return button(text, Action.SETTING, NOTHING, look=field)


def _say_hours(rules: GroupRules, say: Texts) -> str:
    if rules.quiet_from is None:
        return say.plain("none")
    return f"{rules.quiet_from}:00–{rules.quiet_until}:00"


def _clock(rules: GroupRules, now: float) -> str:
    return f"{rules.local_hour(now)}:{int(now // 60) % 60:02d}"


def _say_settings(say: Texts) -> Html:
    return paragraphs(
        say.say("⚙️ <b>Settings of this group</b>"),
        say.say("A press takes the next value; only an admin's counts."),
    )
