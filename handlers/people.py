"""Who wrote a message, and who may press a button."""

from __future__ import annotations

from dataclasses import dataclass

from telegram import CallbackQuery, Message
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError

from handlers.context import Context
from handlers.texts import SOURCE_LANGUAGE, cleaned, locale_of

MAX_NAME_CHARACTERS = 64

PRESENT = frozenset(
    {
        ChatMemberStatus.OWNER,
        ChatMemberStatus.ADMINISTRATOR,
        ChatMemberStatus.MEMBER,
        ChatMemberStatus.RESTRICTED,
    }
)
ADMINS = frozenset({ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class Sender:
    """A person, or a group that speaks through an anonymous admin; then `user_id` is the group's (negative)."""

    user_id: int
    name: str
    locale: str


def sender_of(message: Message) -> Sender:
    """The message must be from somebody (`filters.FROM_SOMEBODY`)."""
    if message.sender_chat is not None:
        title = message.sender_chat.title or ""
        return Sender(message.sender_chat.id, cleaned(title, limit=MAX_NAME_CHARACTERS), SOURCE_LANGUAGE)
    user = message.from_user
    if user is None:
        raise ValueError("a message from nobody")
    return Sender(user.id, cleaned(user.full_name, limit=MAX_NAME_CHARACTERS), locale_of(user.language_code))


async def may_press(query: CallbackQuery, *, owner_id: int, chat_id: int, context: Context) -> bool:
    """The owner, and in a group its admins: an anonymous admin cannot be told from another one."""
    if query.from_user.id == owner_id:
        return True
    return chat_id < 0 and await _status(chat_id, query.from_user.id, context) in ADMINS


async def is_admin(chat_id: int, user_id: int, context: Context) -> bool:
    """Also where the group itself speaks, through an anonymous admin. False where Telegram does not tell us."""
    return user_id == chat_id or await _status(chat_id, user_id, context) in ADMINS


async def is_present(chat_id: int, user_id: int, context: Context) -> bool:
    """False also where Telegram does not tell us: the bot is not in the group, or the person is unknown."""
    return await _status(chat_id, user_id, context) in PRESENT


async def _status(chat_id: int, user_id: int, context: Context) -> str | None:
    try:
        member = await context.bot.get_chat_member(chat_id, user_id)
    except TelegramError:
        return None
    if member.status == ChatMemberStatus.RESTRICTED and not getattr(member, "is_member", False):
        return ChatMemberStatus.LEFT
    return member.status
