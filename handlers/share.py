"""“Share to a group”: choose one, say once that the people shown agree, pass the last gate, and it is a story."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass
from typing import assert_never

from telegram import (
    CallbackQuery,
    KeyboardButton,
    KeyboardButtonRequestChat,
    ReplyKeyboardMarkup,
    Update,
)
from telegram.constants import ParseMode

from engine.errors import EngineUnavailable, NotFound, RetryLater
from engine.schema import Reason, Refused, ShareAllowed, ShareRequest
from handlers.buttons import Action, Press, button
from handlers.context import Button, ClipRecord, Context, EditText, Group, Keyboard, SendText, Services, Story
from handlers.group_rules import why_not_shared
from handlers.outcome import gone_sentence
from handlers.people import is_present
from handlers.phrases import say_refusal
from handlers.replies import answer_press, reply
from handlers.story import story_note
from handlers.texts import Html, Texts, locale_of, mark, paragraphs, texts

MAX_GROUPS = 8
"""As many groups are offered, the latest seen first; each costs a question to Telegram."""

AWAITED = "awaited_groups"
"""In PTB's `bot_data`: which clip a person was choosing a group for. In memory; after a restart they press again."""

MOST_AWAITED = 1000
"""The oldest is forgotten beyond that: most people who open the choice make it at once or never."""

PRESS_AGAIN = mark("Please press “Share to a group” under the clip again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sharing:
    """One person shares one clip into one group. `menu_id` is our message that shows how far it is.

    `key` is the same when the update is repeated.
    """

    clip: ClipRecord
    group: Group
    locale: str
    chat_id: int
    menu_id: int | None
    key: str

    @property
    def say(self) -> Texts:
        return texts(self.locale)


async def press_share(press: Press, query: CallbackQuery, context: Context) -> None:
    """The groups where the bot and this person have met, and a way to choose another one."""
    services = context.services
    clip = await _own_clip(press, query, services)
    if clip is None or query.message is None:
        return
    await answer_press(query)
    say = texts(query.from_user.language_code)
    groups = await _groups_in_common(query.from_user.id, context)
    note = SendText(
        chat_id=query.message.chat.id,
        text=say.say(
            "Which group shall see it? It stays there for a limited time, and you can take it back."
        ),
        keyboard=_menu(clip.job_id, groups, say),
        answer_to=query.message.message_id,
    )
    await services.outbox.put(f"groups:{query.id}", note)


async def press_other_group(press: Press, query: CallbackQuery, context: Context) -> None:
    """Telegram shows the person's groups that this bot is in; we learn only the one that is chosen."""
    clip = await _own_clip(press, query, context.services)
    if clip is None or query.message is None:
        return
    await answer_press(query)
    say = texts(query.from_user.language_code)
    request_id = zlib.crc32(clip.job_id.encode()) & 0x7FFFFFFF
    awaited = context.bot_data.setdefault(AWAITED, {})
    awaited[query.from_user.id, request_id] = clip.job_id
    if len(awaited) > MOST_AWAITED:
        del awaited[next(iter(awaited))]
    request = KeyboardButtonRequestChat(
        request_id, chat_is_channel=False, bot_is_member=True, request_title=True
    )
    keyboard = [[KeyboardButton(say.plain("👥 Choose a group"), request_chat=request)]]
    await context.bot.send_message(
        query.message.chat.id,
        say.say("Press the button below the text field and choose a group that I am in."),
        parse_mode=ParseMode.HTML,
        reply_markup=ReplyKeyboardMarkup(keyboard, resize_keyboard=True, one_time_keyboard=True),
    )


async def group_chosen(update: Update, context: Context) -> None:
    """The answer to `press_other_group`."""
    message = update.effective_message
    if message is None or message.chat_shared is None or message.from_user is None:
        return
    services, user = context.services, message.from_user
    say = texts(user.language_code)
    job_id = context.bot_data.get(AWAITED, {}).get((user.id, message.chat_shared.request_id))
    clip = await services.store.clip(job_id) if job_id else None
    group_id = message.chat_shared.chat_id
    if clip is None:
        await reply(message, "share", say.say(PRESS_AGAIN), services)
    elif not await is_present(group_id, user.id, context):
        await reply(message, "share", _say_not_together(say), services)
    elif (why := await why_not_shared(clip, group_id, say, context)) is not None:
        await reply(message, "share", why, services)
    else:
        group = Group(chat_id=group_id, title=message.chat_shared.title or "")
        await services.store.saw_group(group)
        await services.store.saw_member(group_id, user.id)
        sharing = _Sharing(
            clip=clip,
            group=group,
            locale=locale_of(user.language_code),
            chat_id=message.chat.id,
            menu_id=None,
            key=f"share:{message.chat.id}:{message.message_id}",
        )
        await _ask_or_share(sharing, services)


async def press_share_to(press: Press, query: CallbackQuery, context: Context) -> None:
    sharing = await _sharing(press, query, context)
    if sharing is not None:
        await _ask_or_share(sharing, context.services)


async def press_people_agree(press: Press, query: CallbackQuery, context: Context) -> None:
    sharing = await _sharing(press, query, context)
    if sharing is not None:
        await _share(sharing, context.services, attested=True)


async def press_people_disagree(_: Press, query: CallbackQuery, context: Context) -> None:
    await answer_press(query)
    if query.message is None or not _in_private(query):
        return
    text = texts(query.from_user.language_code).say("Not shared. Thank you for asking them.")
    note = EditText(chat_id=query.message.chat.id, message_id=query.message.message_id, text=text)
    await context.services.outbox.put(f"share:{query.id}", note)


async def _own_clip(press: Press, query: CallbackQuery, services: Services) -> ClipRecord | None:
    """The clip, when it is theirs; else the press is answered."""
    say = texts(query.from_user.language_code)
    clip = await services.store.clip(press.subject)
    if clip is None:
        await answer_press(
            query, say.plain("This clip is too old to share. You can send the photo again."), alert=True
        )
        return None
    if clip.user_id != query.from_user.id or not _in_private(query):
        await answer_press(query, say.plain("Only the person who made a clip can share it."))
        return None
    return clip


def _in_private(query: CallbackQuery) -> bool:
    """Our menus are there only. A stranger's client can press their buttons from a group's message, too, which
    we would then write over.
    """
    return query.message is not None and query.message.chat.id == query.from_user.id


async def _sharing(press: Press, query: CallbackQuery, context: Context) -> _Sharing | None:
    """What a press on a group stands for; the person may have left the group since the menu was made."""
    services = context.services
    clip = await _own_clip(press, query, services)
    if clip is None or query.message is None or press.chat_id is None:
        return None
    say = texts(query.from_user.language_code)
    group = await services.store.group(press.chat_id)
    if group is None or not await is_present(press.chat_id, query.from_user.id, context):
        await answer_press(query, _say_not_together(say), alert=True)
        return None
    await answer_press(query)
    why = await why_not_shared(clip, press.chat_id, say, context)
    if why is not None:
        note = EditText(chat_id=query.message.chat.id, message_id=query.message.message_id, text=why)
        await services.outbox.put(f"share:{query.id}", note)
        return None
    return _Sharing(
        clip=clip,
        group=group,
        locale=locale_of(query.from_user.language_code),
        chat_id=query.message.chat.id,
        menu_id=query.message.message_id,
        key=f"share:{query.id}",
    )


async def _groups_in_common(user_id: int, context: Context) -> list[Group]:
    """Those that Telegram confirms at this moment."""
    groups = (await context.services.store.groups_of(user_id))[:MAX_GROUPS]
    present = await asyncio.gather(*(is_present(group.chat_id, user_id, context) for group in groups))
    return [group for group, is_there in zip(groups, present, strict=True) if is_there]


def _menu(job_id: str, groups: list[Group], say: Texts) -> Keyboard:
    rows: list[tuple[Button, ...]] = [
        (button(group.title, Action.SHARE_TO, job_id, chat_id=group.chat_id),) for group in groups
    ]
    return (*rows, (button(say.plain("👥 Another group…"), Action.OTHER_GROUP, job_id),))


async def _ask_or_share(sharing: _Sharing, services: Services) -> None:
    if sharing.clip.shows_people:
        await _ask_consent(sharing, services)
    else:
        await _share(sharing, services, attested=False)


async def _ask_consent(sharing: _Sharing, services: Services) -> None:
    say, job_id = sharing.say, sharing.clip.job_id
    yes = button(say.plain("✅ Yes, they agree"), Action.PEOPLE_AGREE, job_id, chat_id=sharing.group.chat_id)
    no = button(say.plain("No"), Action.PEOPLE_DISAGREE, job_id)
    text = say.say("Do the people shown agree that “{group}” sees this clip?", group=sharing.group.title)
    await _tell(sharing, text, services, keyboard=((yes, no),))


async def _share(sharing: _Sharing, services: Services, *, attested: bool) -> None:
    say, identities = sharing.say, services.identities
    request = ShareRequest(
        requester=identities.requester(sharing.clip.user_id),
        group=identities.group(sharing.group.chat_id),
        attested=attested,
        opted_in=True,  # adding the bot is how a group opts in; removing it forgets the group
    )
    try:
        answer = await services.engine.share(sharing.clip.job_id, request)
    except NotFound:
        await _tell(sharing, gone_sentence(say), services)
    except (EngineUnavailable, RetryLater):
        await _tell(
            sharing,
            say.say("I can't check the clip right now, so it is not shared. Please try again in a minute."),
            services,
        )
    else:
        match answer:
            case Refused(reason=Reason.NOT_ATTESTED) if not attested:
                await _ask_consent(sharing, services)
            case Refused():
                await _tell(sharing, say_refusal(say, answer), services)
            case ShareAllowed():
                await _post(sharing, services)
            case _:
                assert_never(answer)


async def _post(sharing: _Sharing, services: Services) -> None:
    """Repeatable: the story's id comes from the press."""
    say, clip, group = sharing.say, sharing.clip, sharing.group
    story_id = services.identities.job_id(group.chat_id, clip.message_id, press=sharing.key)
    live = await services.store.live_stories(chat_id=group.chat_id, job_id=clip.job_id)
    if any(story.story_id != story_id for story in live):
        await _tell(sharing, say.say("“{group}” sees this clip already.", group=group.title), services)
        return
    hours = services.rules.story_hours
    story = await services.store.add_story(
        Story(
            story_id=story_id,
            job_id=clip.job_id,
            user_id=clip.user_id,
            maker_name=clip.maker_name,
            chat_id=group.chat_id,
            ends_at=services.now() + hours * 3600,
            thread_id=(await services.store.group_rules(group.chat_id)).story_thread,
        )
    )
    note = story_note(story, clip, now=services.now(), locale=sharing.locale)
    await services.outbox.put(f"story:{story_id}", note)
    take_back = button(say.plain("↩️ Take back"), Action.TAKE_BACK, story_id)
    await _tell(sharing, _say_shared(say, group, hours), services, keyboard=((take_back,),))


async def _tell(sharing: _Sharing, text: Html, services: Services, *, keyboard: Keyboard = ()) -> None:
    note = EditText(chat_id=sharing.chat_id, message_id=sharing.menu_id, text=text, keyboard=keyboard)
    await services.outbox.put(sharing.key, note)


def _say_shared(say: Texts, group: Group, hours: int) -> Html:
    return paragraphs(
        say.say("📤 Shared with “{group}”.", group=group.title),
        say.count("It stays there for {number} hour.", "It stays there for {number} hours.", hours),
    )


def _say_not_together(say: Texts) -> Html:
    return say.say("You and I are not both in this group any more. Please choose another one.")
