"""Stories in groups: what a posted one says, `/stories`, and taking one back."""

from __future__ import annotations

import html

from telegram import CallbackQuery, Update

from handlers.buttons import Action, Press, button
from handlers.context import ClipRecord, Context, DeleteMessage, EditText, PostStory, Services, Story
from handlers.people import may_press, sender_of
from handlers.phrases import say_made_with_ai
from handlers.replies import answer_press, reply
from handlers.texts import Html, Texts, paragraphs, texts

SUPERGROUP_PREFIX = "-100"


def story_note(story: Story, clip: ClipRecord, *, hours: int, locale: str) -> PostStory:
    """The AI label, the maker and the lifetime belong to the post: the file alone would not tell them."""
    say = texts(locale)
    caption = paragraphs(
        say_made_with_ai(say, clip.label),
        say.count(
            "By {name}, here for {number} hour.",
            "By {name}, here for {number} hours.",
            hours,
            name=story.maker_name,
        ),
    )
    keyboard = (
        (
            button(say.plain("🚩 Report"), Action.REPORT_STORY, story.story_id),
            button(say.plain("↩️ Take back"), Action.TAKE_BACK, story.story_id),
        ),
    )
    return PostStory(
        story_id=story.story_id,
        chat_id=story.chat_id,
        file_id=clip.file_id,
        caption=caption,
        keyboard=keyboard,
        thread_id=story.thread_id,
    )


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
        stories = await services.store.live_stories(chat_id=message.chat.id)
        text = _say_stories(say, stories, now=services.now())
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
        await services.outbox.put(f"ended:{story.story_id}", note)


def _say_stories(say: Texts, stories: list[Story], *, now: float) -> Html:
    if not stories:
        return say.say(
            "No story is live in this group. Clips come here with “Share to a group” under a clip."
        )
    lines = [_line(say, number, story, now=now) for number, story in enumerate(stories, start=1)]
    return paragraphs(
        say.count("{number} story is live:", "{number} stories are live:", len(stories)), *lines
    )


def _line(say: Texts, number: int, story: Story, *, now: float) -> Html:
    left = say.duration(story.ends_at - now)
    return say.say("{place}. By {name}, {time} left.", place=number, name=_linked(story), time=left)


def _linked(story: Story) -> Html:
    """The maker's name, linked to the story where Telegram has an address for it: in supergroups only."""
    name, chat = html.escape(story.maker_name, quote=False), str(story.chat_id)
    if story.message_id is None or not chat.startswith(SUPERGROUP_PREFIX):
        return Html(name)
    address = f"https://t.me/c/{chat.removeprefix(SUPERGROUP_PREFIX)}/{story.message_id}"
    return Html(f'<a href="{address}">{name}</a>')
