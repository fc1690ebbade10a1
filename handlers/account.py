"""What concerns a person and not a clip: `/privacy`, `/mydata`, `/forget` and, in private, `/settings`."""

from __future__ import annotations

import json

from telegram import CallbackQuery, InputFile, Update

from engine.errors import EngineUnavailable
from engine.schema import Retention
from handlers import group_settings
from handlers.buttons import NOTHING, Action, Press, button, in_rows
from handlers.context import Context, EditText, Keyboard, Preferences
from handlers.people import may_press, sender_of
from handlers.replies import answer_press, reply
from handlers.story import end as end_story
from handlers.texts import LANGUAGES, Html, Texts, language_of, name_of_language, paragraphs, texts

DATA_FILE = "zoetrope-data.json"


async def show_privacy(update: Update, context: Context) -> None:
    """What is kept and how long, in the figures of this engine."""
    message = update.effective_message
    if message is None:
        return
    say, services = texts(sender_of(message).locale), context.services
    try:
        kept = (await services.engine.status()).retention
    except EngineUnavailable:
        await reply(message, "privacy", _say_unavailable(say), services)
        return
    await reply(message, "privacy", _say_privacy(say, kept), services)


async def send_data(update: Update, context: Context) -> None:
    """All that bot and engine hold of this person, as a file; in private only, for it names chats."""
    message = update.effective_message
    if message is None:
        return
    sender, services = sender_of(message), context.services
    say = texts(sender.locale)
    if message.chat.id != sender.user_id:
        await reply(message, "mydata", _say_in_private(say), services)
        return
    try:
        stored = await services.engine.requester(services.identities.requester(sender.user_id))
    except EngineUnavailable:
        await reply(message, "mydata", _say_unavailable(say), services)
        return
    person = await services.store.person(sender.user_id)
    data = {
        "bot": person.tables,
        "engine": {
            "jobs": stored.stored_jobs,
            "clips": stored.stored_clips,
            "running": [job.job_id for job in stored.jobs],
        },
    }
    file = InputFile(json.dumps(data, indent=1, ensure_ascii=False).encode(), filename=DATA_FILE)
    caption = say.say("📄 All that I keep about you. Photos are not in it: they go when their clip is made.")
    await message.reply_document(file, caption=caption)


async def ask_to_forget(update: Update, context: Context) -> None:
    message = update.effective_message
    if message is None:
        return
    sender, services = sender_of(message), context.services
    say = texts(sender.locale)
    if message.chat.id != sender.user_id:
        await reply(message, "forget", _say_in_private(say), services)
        return
    text = say.say(
        "🧹 Shall I forget you? Your clips, stories, captions and settings go at once, here and in every group, "
        "and clips that are being made are canceled. This can't be undone."
    )
    keyboard = (
        (
            button(say.plain("🧹 Forget me"), Action.FORGET, NOTHING),
            button(say.plain("No"), Action.NEVER_MIND, NOTHING),
        ),
    )
    await reply(message, "forget", text, services, keyboard=keyboard)


async def press_forget(_: Press, query: CallbackQuery, context: Context) -> None:
    """Stories first, while their rows say where they stand; the engine next; the bot's rows last."""
    services, user_id = context.services, query.from_user.id
    say = texts(query.from_user.language_code)
    person = await services.store.person(user_id)
    try:
        erased = await services.engine.erase(services.identities.requester(user_id))
    except EngineUnavailable:
        await answer_press(
            query, say.plain("I can't do that right now. Please try again in a minute."), alert=True
        )
        return
    await answer_press(query, say.plain("Forgotten."))
    for story in person.live_stories:
        await end_story(story, services)
    await services.store.forget_person(user_id)
    done = paragraphs(
        say.say("🧹 Forgotten. Nothing that I kept leads to you any more."),
        say.count("{number} job was removed.", "{number} jobs were removed.", erased.stored_jobs),
        say.count("{number} clip was removed.", "{number} clips were removed.", erased.stored_clips),
        say.count(
            "{number} story was taken back.", "{number} stories were taken back.", len(person.live_stories)
        ),
        say.say("Messages in this chat stay until you delete them yourself."),
    )
    if query.message is not None:
        await context.bot.edit_message_text(done, query.message.chat.id, query.message.message_id)


async def press_never_mind(_: Press, query: CallbackQuery, context: Context) -> None:
    say = texts(query.from_user.language_code)
    await answer_press(query, say.plain("All stays as it is."))
    if query.message is not None:
        await context.bot.edit_message_text(
            say.say("All stays as it is."), query.message.chat.id, query.message.message_id
        )


async def show_settings(update: Update, context: Context) -> None:
    """In private the person's language; in a group what its admins choose for it."""
    message = update.effective_message
    if message is None:
        return
    if message.chat.type != message.chat.PRIVATE:
        await group_settings.show(message, context)
        return
    say, services = texts(sender_of(message).locale), context.services
    chosen = (await services.store.preferences(message.chat.id)).language
    keyboard = _languages(say, chosen, in_group=False)
    await reply(message, "settings", _say_settings(say, in_group=False), services, keyboard=keyboard)


async def press_language(press: Press, query: CallbackQuery, context: Context) -> None:
    """The chat is where the press came from, and Telegram says so; in a group only an admin's counts."""
    if query.message is None:
        return
    services, chat_id = context.services, query.message.chat.id
    in_group = chat_id != query.from_user.id
    if in_group and not await may_press(query, owner_id=0, chat_id=chat_id, context=context):
        say = texts(query.from_user.language_code)
        await answer_press(query, say.plain("Only an admin of this group can do that."))
        return
    if press.look == group_settings.MENU:
        await answer_press(query)
        await _show_languages(query.message.chat.id, query, context)
        return
    chosen = press.look if press.look in LANGUAGES else None
    await services.store.set_preferences(chat_id, Preferences(language=chosen))
    say = texts(chosen or query.from_user.language_code)
    language = name_of_language(say.language)
    await answer_press(query, say.plain("From now on I speak {language}.", language=language))
    note = EditText(
        chat_id=chat_id,
        message_id=query.message.message_id,
        text=_say_settings(say, in_group=in_group),
        keyboard=_languages(say, chosen, in_group=in_group),
    )
    await services.outbox.put(f"language:{query.id}", note)


async def _show_languages(chat_id: int, query: CallbackQuery, context: Context) -> None:
    """In place of the group's other settings."""
    services, say = context.services, texts(query.from_user.language_code)
    chosen = (await services.store.preferences(chat_id)).language
    if query.message is not None:
        note = EditText(
            chat_id=chat_id,
            message_id=query.message.message_id,
            text=_say_settings(say, in_group=True),
            keyboard=_languages(say, chosen, in_group=True),
        )
        await services.outbox.put(f"languages:{query.id}", note)


async def speak_their_language(update: object, context: Context) -> None:
    """What was chosen in /settings stands in for the language of the person's app, for every handler that follows."""
    if not isinstance(update, Update) or update.effective_user is None:
        return
    chat, user = update.effective_chat, update.effective_user
    chosen = (await context.services.store.preferences(chat.id if chat else user.id)).language
    if chosen is not None and language_of(user.language_code) != chosen:
        object.__setattr__(user, "language_code", chosen)  # PTB freezes what Telegram sent


def _languages(say: Texts, chosen: str | None, *, in_group: bool) -> Keyboard:
    buttons = [
        button(
            f"{'✓ ' if language == chosen else ''}{name_of_language(language)}",
            Action.LANGUAGE,
            NOTHING,
            look=language,
        )
        for language in LANGUAGES
    ]
    words = say.plain("As in each person's app") if in_group else say.plain("As in my app")
    mine = button(f"{'' if chosen else '✓ '}{words}", Action.LANGUAGE, NOTHING, look=AS_IN_APP)
    return (*in_rows(buttons, width=3), (mine,))


AS_IN_APP = "app"


def _say_settings(say: Texts, *, in_group: bool) -> Html:
    if in_group:
        return say.say("⚙️ <b>Settings of this group</b> Which language shall I speak here?")
    return say.say("⚙️ <b>Settings</b> Which language shall I speak with you?")


def _say_in_private(say: Texts) -> Html:
    return say.say("That is between you and me: please send it to me in private.")


def _say_unavailable(say: Texts) -> Html:
    return say.say("😔 My workshop does not answer right now. Please try again in a minute.")


def _say_privacy(say: Texts, kept: Retention) -> Html:
    return paragraphs(
        say.say("🔒 <b>What I keep, and how long</b>"),
        say.say("• Your photo: until its clip is made."),
        say.say("• The clip: {time}.", time=say.duration(kept.clip_seconds)),
        say.say("• Your words: {time}.", time=say.duration(kept.prompt_seconds)),
        say.say("• That there was a clip, without your name: {time}.", time=say.duration(kept.id_seconds)),
        say.say("• In which chat it was, so that I can answer: a week. Stories: until they end."),
        say.say("Faces are compared only while a clip is checked. Nobody trains anything on your photos."),
        say.say("/mydata sends you all that I keep, /forget removes it at once."),
    )
