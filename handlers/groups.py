"""Which groups the bot is in, and whom it met there: what “Share to a group” offers."""

from __future__ import annotations

from telegram import Chat, ChatMemberUpdated, Message, Update
from telegram.constants import ChatMemberStatus, ChatType

from engine import logs
from engine.errors import EngineUnavailable, NotFound
from handlers.context import Context, Group, SendText, Services
from handlers.people import PRESENT
from handlers.texts import texts

log = logs.get("groups")

GROUPS = frozenset({ChatType.GROUP, ChatType.SUPERGROUP})


async def saw_somebody(update: Update, context: Context) -> None:
    """Any message in a group: the group, its writer, and who joined."""
    message = update.effective_message
    if message is None or message.migrate_to_chat_id is not None:
        return
    store = context.services.store
    await store.saw_group(_group(message.chat))
    for user_id in _people_in(message):
        await store.saw_member(message.chat.id, user_id)


async def membership_changed(update: Update, context: Context) -> None:
    """The bot was added, removed or blocked."""
    change = update.my_chat_member
    if change is None:
        return
    is_in = change.new_chat_member.status in PRESENT
    if change.chat.type in GROUPS and is_in:
        await _joined(change, context.services)
    elif change.chat.type in GROUPS:
        await context.services.store.forget_group(change.chat.id)
        await _drop_jobs_of(change.chat.id, context.services)
    elif change.chat.type == ChatType.PRIVATE and not is_in:
        await _drop_jobs_of(change.chat.id, context.services)


async def migrated(update: Update, context: Context) -> None:
    """A group became a supergroup, told in both; every row follows."""
    message = update.effective_message
    if message is None:
        return
    store, here = context.services.store, message.chat.id
    if message.migrate_to_chat_id is not None:
        await store.migrate_group(here, message.migrate_to_chat_id)
    elif message.migrate_from_chat_id is not None:
        await store.migrate_group(message.migrate_from_chat_id, here)


async def _joined(change: ChatMemberUpdated, services: Services) -> None:
    store = services.store
    await store.saw_group(_group(change.chat))
    if not change.from_user.is_bot:
        await store.saw_member(change.chat.id, change.from_user.id)
    if change.old_chat_member.status in {ChatMemberStatus.LEFT, ChatMemberStatus.BANNED}:
        hello = texts(change.from_user.language_code).say(
            "Hello! I bring photos to life. Send a photo with <code>/animate snow, slow zoom in</code> as its "
            "caption, or answer one of your own photos with it. Other messages I don't read."
        )
        note = SendText(chat_id=change.chat.id, text=hello)
        await services.outbox.put(f"hello:{change.chat.id}:{int(change.date.timestamp())}", note)


async def _drop_jobs_of(chat_id: int, services: Services) -> None:
    """Nobody can see these clips any more, so they are not made."""
    for ticket in await services.store.open_tickets(chat_id=chat_id):
        await services.store.end_ticket(ticket.job_id)
        try:
            await services.engine.cancel(ticket.job_id)
        except (NotFound, EngineUnavailable) as error:
            log.info("not canceled", job_id=ticket.job_id, error=type(error).__name__)


def _group(chat: Chat) -> Group:
    return Group(chat_id=chat.id, title=chat.title or "")


def _people_in(message: Message) -> list[int]:
    """Nobody's real name stands behind an anonymous admin or a channel."""
    writers = [] if message.sender_chat is not None or message.from_user is None else [message.from_user]
    return [user.id for user in (*writers, *message.new_chat_members) if not user.is_bot]
