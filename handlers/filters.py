"""Which messages are meant for us. PTB's command and mention filters do not look at captions; these do."""

from __future__ import annotations

from telegram import Message, MessageEntity
from telegram.ext import filters
from telegram.ext.filters import MessageFilter

COMMAND = "/animate"
VERIFY = "/verify"


def words_for_us(message: Message, username: str) -> str | None:
    """What somebody asks the bot for, in text or caption: the words without `/animate` or the bot's @name.

    None where the message does not address this bot: a command must come first; a mention may stand anywhere.
    """
    text = message.text or message.caption or ""
    for entity, words in _entities(message).items():
        if entity.type == MessageEntity.BOT_COMMAND and entity.offset == 0 and _is(COMMAND, words, username):
            return text.removeprefix(words).strip()
        if entity.type == MessageEntity.MENTION and words.lower() == f"@{username.lower()}":
            return text.replace(words, " ", 1).strip()
    return None


class _AsksForClip(MessageFilter):
    """`/animate` or a mention; in a private chat only the command, because every photo there is for us."""

    def filter(self, message: Message) -> bool:
        words = words_for_us(message, message.get_bot().username)
        if words is None:
            return False
        in_private = message.chat.type == message.chat.PRIVATE
        return not in_private or (message.text or message.caption or "").lower().startswith(COMMAND)


class _AsksToVerify(MessageFilter):
    """`/verify` in a text or a caption; PTB's command filter does not look at captions."""

    def filter(self, message: Message) -> bool:
        username = message.get_bot().username
        return any(
            entity.type == MessageEntity.BOT_COMMAND and entity.offset == 0 and _is(VERIFY, words, username)
            for entity, words in _entities(message).items()
        )


class _AnswersUs(MessageFilter):
    """An answer to a message of this bot."""

    def filter(self, message: Message) -> bool:
        original = message.reply_to_message
        return (
            original is not None
            and original.from_user is not None
            and original.from_user.id == message.get_bot().id
        )


class _FromSomebody(MessageFilter):
    """Written by a person or an anonymous admin, not by another bot, a linked channel or a service."""

    def filter(self, message: Message) -> bool:
        if message.is_automatic_forward or message.from_user is None:
            return False
        speaks_for_group = message.sender_chat is not None and message.sender_chat.id == message.chat.id
        return speaks_for_group or (not message.from_user.is_bot and message.sender_chat is None)


FROM_SOMEBODY = _FromSomebody()

NEW_MESSAGE = filters.UpdateType.MESSAGE & FROM_SOMEBODY
"""Not an edit, a channel post, a guest or a business message: PTB's content filters match all of these."""

ASKS_FOR_CLIP = NEW_MESSAGE & _AsksForClip()

ASKS_TO_VERIFY = NEW_MESSAGE & _AsksToVerify()

PRIVATE_VIDEO = (
    NEW_MESSAGE
    & filters.ChatType.PRIVATE
    & (filters.VIDEO | filters.ANIMATION | filters.VIDEO_NOTE | filters.Document.VIDEO)
)
"""Nobody who sends a video can want it animated: we say what we know of it."""

PRIVATE_PHOTO = (
    NEW_MESSAGE & filters.ChatType.PRIVATE & (filters.PHOTO | filters.Document.ALL) & ~filters.ANIMATION
)

GROUP_CHOSEN = NEW_MESSAGE & filters.ChatType.PRIVATE & filters.StatusUpdate.CHAT_SHARED

ANSWERS_US = NEW_MESSAGE & filters.TEXT & ~filters.COMMAND & _AnswersUs()

PRIVATE_OTHER = NEW_MESSAGE & filters.ChatType.PRIVATE & ~filters.StatusUpdate.ALL

ANY_GROUP_MESSAGE = filters.UpdateType.MESSAGE & filters.ChatType.GROUPS

MIGRATED = filters.UpdateType.MESSAGE & filters.StatusUpdate.MIGRATE


def _entities(message: Message) -> dict[MessageEntity, str]:
    """In order; PTB counts the UTF-16 units for us."""
    kinds: list[str | None] = [MessageEntity.BOT_COMMAND, MessageEntity.MENTION]
    return message.parse_entities(kinds) if message.text else message.parse_caption_entities(kinds)


def _is(command: str, words: str, username: str) -> bool:
    name, _, addressee = words.lower().partition("@")
    return name == command and addressee in {"", username.lower()}
