"""Stories in groups: what a posted one says, `/stories`, and taking one back."""

from __future__ import annotations

import html
from collections.abc import Mapping

from telegram import CallbackQuery, Update

from handlers.buttons import Action, Press, button
from handlers.context import (
    ClipRecord,
    Context,
    DeleteMessage,
    EditText,
    Keyboard,
    PostStory,
    SendText,
    Services,
    Story,
)
from handlers.people import may_press, sender_of
from handlers.phrases import say_made_with_ai
from handlers.replies import answer_press, reply
from handlers.texts import SOURCE_LANGUAGE, Html, Texts, paragraphs, texts

SUPERGROUP_PREFIX = "-100"


def story_note(story: Story, clip: ClipRecord, *, now: float, locale: str, hearts: int = 0) -> PostStory:
    """The AI label, the maker and the time left belong to the post: the file alone would not tell them."""
    say = texts(locale)
    caption = paragraphs(
        say_made_with_ai(say, clip.label),
        say.say(
            "By {name}. It disappears {when}.",
            name=story.maker_name,
            when=say.moment(story.ends_at, now=now),
        ),
    )
    return PostStory(
        story_id=story.story_id,
        chat_id=story.chat_id,
        file_id=clip.file_id,
        caption=caption,
        keyboard=story_keyboard(story.story_id, hearts, say),
        thread_id=story.thread_id,
    )


def story_keyboard(story_id: str, hearts: int, say: Texts) -> Keyboard:
    return (
        (button(f"❤️ {hearts}" if hearts else "❤️", Action.HEART, story_id),),
        (
            button(say.plain("🚩 Report"), Action.REPORT_STORY, story_id),
            button(say.plain("↩️ Take back"), Action.TAKE_BACK, story_id),
        ),
    )


async def press_heart(press: Press, query: CallbackQuery, context: Context) -> None:
    """Given or taken back. The number under the story follows within half a minute: a group has few edits to spare."""
    services, say = context.services, texts(query.from_user.language_code)
    story = await services.store.story(press.subject)
    if story is None or story.ended or not _stands_here(story, query):
        await answer_press(query, say.plain("This story has ended already."))
        return
    hearts = await services.store.set_heart(story.story_id, query.from_user.id)
    await answer_press(query, f"❤️ {hearts}")


async def reacted(update: Update, context: Context) -> None:
    """A reaction in Telegram's own way counts like a heart; only bots that are admins are told of them."""
    change = update.message_reaction
    if change is None or change.user is None:
        return
    story_id = await context.services.store.story_at(change.chat.id, change.message_id)
    if story_id is not None:
        await context.services.store.set_heart(story_id, change.user.id, on=bool(change.new_reaction))


async def hide(story: Story, services: Services) -> None:
    """Out of the group until an operator decides; its maker is told. Repeatable."""
    await _remove(story, services)
    await services.store.hide_story(story.story_id, hidden=True)
    ticket = await services.store.ticket_of_job(story.job_id)
    if ticket is None or story.user_id < 0:
        return
    text = texts(ticket.locale).say(
        "🚩 Several people reported a story of yours. It is hidden until a person has looked at it."
    )
    note = SendText(chat_id=story.user_id, text=text)
    await services.outbox.put(f"hidden:{story.story_id}:{story.message_id}", note)


async def show_again(job_id: str, services: Services, *, key: str) -> None:
    """An operator keeps the clip: hidden stories come back for the time they have left. `key` is the decision's."""
    clip = await services.store.clip(job_id)
    ticket = await services.store.ticket_of_job(job_id)
    for story in await services.store.live_stories(job_id=job_id):
        if clip is not None and story.hidden:
            hearts = await services.store.hearts(story.story_id)
            locale = ticket.locale if ticket else SOURCE_LANGUAGE
            note = story_note(story, clip, now=services.now(), locale=locale, hearts=hearts)
            await services.store.hide_story(story.story_id, hidden=False)
            await services.outbox.put(f"story:{story.story_id}:{key}", note)


async def list_stories(update: Update, context: Context) -> None:
    """What is live in this group, soonest to end first; in private, where to look."""
    message = update.effective_message
    if message is None:
        return
    services, say = context.services, texts(sender_of(message).locale)
    if message.chat.type == message.chat.PRIVATE:
        text = say.say(
            "Stories live in groups: send /stories there. To share a clip, press “Share to a group” under it."
        )
    else:
        live = await services.store.live_stories(chat_id=message.chat.id)
        stories = [story for story in live if not story.hidden]
        hearts = {story.story_id: await services.store.hearts(story.story_id) for story in stories}
        text = _say_stories(say, stories, hearts, now=services.now())
    await reply(message, "stories", text, services)


async def press_take_back(press: Press, query: CallbackQuery, context: Context) -> None:
    services = context.services
    story = await services.store.story(press.subject)
    say = texts(query.from_user.language_code)
    if story is None or story.ended:
        await answer_press(query, say.plain("This story has ended already."))
        await _end_receipt(query, say.say("This story has ended already."), services)
    elif not await may_press(query, owner_id=story.user_id, chat_id=story.chat_id, context=context):
        await answer_press(
            query, say.plain("Only the person who shared it, or an admin of the group, can take it back.")
        )
    else:
        await answer_press(query, say.plain("Taken back."))
        await end(story, services)
        await _end_receipt(query, say.say("Taken back."), services)


async def _end_receipt(query: CallbackQuery, text: Html, services: Services) -> None:
    """“Shared with …” in the maker's private chat has nothing left to take back. In a group the post itself goes."""
    if query.message is not None and query.message.chat.id == query.from_user.id:
        note = EditText(chat_id=query.message.chat.id, message_id=query.message.message_id, text=text)
        await services.outbox.put(f"receipt:{query.id}", note)


async def end_stories_of(job_id: str, services: Services) -> None:
    for story in await services.store.live_stories(job_id=job_id):
        await end(story, services)


async def end(story: Story, services: Services) -> None:
    """Repeatable. A posted one is told to go before it counts as ended: after a crash in between it is ended again.

    One that is not posted yet is never posted once it has ended; one that was posted meanwhile goes after all.
    """
    await _remove(story, services)
    await services.store.end_story(story.story_id)
    await _remove(await services.store.story(story.story_id) or story, services)


async def _remove(story: Story, services: Services) -> None:
    if story.message_id is not None:
        note = DeleteMessage(chat_id=story.chat_id, message_id=story.message_id)
        await services.outbox.put(f"ended:{story.story_id}:{story.message_id}", note)


def _stands_here(story: Story, query: CallbackQuery) -> bool:
    return query.message is not None and query.message.chat.id == story.chat_id


def _say_stories(say: Texts, stories: list[Story], hearts: Mapping[str, int], *, now: float) -> Html:
    if not stories:
        return say.say(
            "No story is live in this group. Clips come here with “Share to a group” under a clip."
        )
    lines = [
        _line(say, number, story, hearts[story.story_id], now=now)
        for number, story in enumerate(stories, start=1)
    ]
    return paragraphs(
        say.count("{number} story is live:", "{number} stories are live:", len(stories)), *lines
    )


def _line(say: Texts, number: int, story: Story, hearts: int, *, now: float) -> Html:
    left = say.duration(story.ends_at - now)
    line = say.say("{place}. By {name}, {time} left.", place=number, name=_linked(story), time=left)
    return Html(f"{line} ❤️ {hearts}") if hearts else line


def _linked(story: Story) -> Html:
    """The maker's name, linked to the story where Telegram has an address for it: in supergroups only."""
    name, chat = html.escape(story.maker_name, quote=False), str(story.chat_id)
    if story.message_id is None or not chat.startswith(SUPERGROUP_PREFIX):
        return Html(name)
    address = f"https://t.me/c/{chat.removeprefix(SUPERGROUP_PREFIX)}/{story.message_id}"
    return Html(f'<a href="{address}">{name}</a>')
