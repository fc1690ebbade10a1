"""`/start`, `/help`, what else is said to messages that are not photos, and the menus of commands."""

from __future__ import annotations

from typing import NamedTuple

from telegram import (
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    Update,
)

from handlers.context import Context
from handlers.people import sender_of
from handlers.replies import reply
from handlers.texts import LANGUAGES, SOURCE_LANGUAGE, Html, Texts, mark, texts

COMMANDS = (
    ("help", mark("How it works, and what I refuse")),
    ("status", mark("Your clips on their way")),
    ("cancel", mark("Cancel your clips")),
    ("verify", mark("Was this video made here?")),
    ("privacy", mark("What I keep, and how long")),
    ("settings", mark("Which language I speak")),
)

GROUP_COMMANDS = (
    ("animate", mark("Bring your photo to life: in its caption, or as an answer to it")),
    ("stories", mark("Clips shared in this group")),
    *COMMANDS,
)

PRIVATE_COMMANDS = (
    *COMMANDS,
    ("mydata", mark("All that I keep about you, as a file")),
    ("forget", mark("Forget all about me")),
)


HELLO = mark(
    "👋 I bring photos to life. Send me a photo, and in its caption what shall move: “snow, slow zoom in”. "
    "A photo without a caption moves gently. After a moment a short video comes back."
)


class CommandMenu(NamedTuple):
    """One `setMyCommands` call; an empty `language_code` is for everybody without a menu of their own."""

    scope: BotCommandScope
    language_code: str
    commands: tuple[BotCommand, ...]


async def start(update: Update, context: Context) -> None:
    message = update.effective_message
    if message is not None:
        say = texts(sender_of(message).locale)
        await reply(message, "start", _spaced(_say_hello(say), _say_refused(say)), context.services)


async def show_help(update: Update, context: Context) -> None:
    message = update.effective_message
    if message is not None:
        say = texts(sender_of(message).locale)
        text = _spaced(
            _say_hello(say), _say_in_groups(say), _say_commands(say), _say_refused(say), _say_label(say)
        )
        await reply(message, "help", text, context.services)


async def not_a_photo(update: Update, context: Context) -> None:
    """Anything else in a private chat."""
    message = update.effective_message
    if message is None:
        return
    say = texts(sender_of(message).locale)
    if message.text is not None:
        text = say.say("Please send me a photo, with what shall move in its caption. /help tells more.")
    else:
        text = say.say("This is not a photo. I take JPEG, PNG, WebP and HEIC. /help tells more.")
    await reply(message, "not_a_photo", text, context.services)


def command_menus() -> tuple[CommandMenu, ...]:
    """For every scope, in every language; `bot/app.py` sets them at start."""
    scopes: tuple[tuple[BotCommandScope, tuple[tuple[str, str], ...]], ...] = (
        (BotCommandScopeAllPrivateChats(), PRIVATE_COMMANDS),
        (BotCommandScopeAllGroupChats(), GROUP_COMMANDS),
    )
    return tuple(
        CommandMenu(
            scope,
            "" if language == SOURCE_LANGUAGE else language,
            tuple(BotCommand(name, texts(language).plain(words)) for name, words in commands),
        )
        for scope, commands in scopes
        for language in LANGUAGES
    )


def descriptions() -> dict[str, str]:
    """What an empty chat with the bot shows, by language code; "" is for everybody without one of their own."""
    return {
        "" if language == SOURCE_LANGUAGE else language: texts(language).plain(HELLO)
        for language in LANGUAGES
    }


def _spaced(*parts: Html) -> Html:
    return Html("\n\n".join(parts))


def _say_hello(say: Texts) -> Html:
    return say.say(HELLO)


def _say_in_groups(say: Texts) -> Html:
    return say.say(
        "<b>In groups</b> send a photo with <code>/animate snow</code> as its caption, or answer your own photo "
        "with it. Under a clip made here you can press “Share to a group”; it stays there for a limited time."
    )


def _say_commands(say: Texts) -> Html:
    return say.say(
        "<b>Commands</b>\n/status: your clips on their way\n/cancel: cancel them\n"
        "/verify: was this video made here? Answer it with this, or send it to me in private\n"
        "/stories: what is shared in a group\n"
        "/settings: which language I speak\n"
        "/privacy: what I keep; /mydata sends it to you, /forget removes it"
    )


def _say_refused(say: Texts) -> Html:
    return say.say(
        "<b>What I refuse</b>, because a moving picture is easily believed: nudity, anything sexual, violence, weapons, "
        "hate, making fun of people, putting words into their mouths, well-known people, false news and fraud. "
        "A refusal tells you why and costs nothing."
    )


def _say_label(say: Texts) -> Html:
    return say.say(
        "<b>Every clip says that it was made with AI</b>: in the picture, and in signed credentials inside the file. "
        "“Original file” gives you the file with its credentials."
    )
