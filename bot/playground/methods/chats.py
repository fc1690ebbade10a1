"""Bot API methods about chats and who is in them."""

from __future__ import annotations

import time

from telegram.constants import ChatAction

from bot.playground.errors import bad_request
from bot.playground.forms import Form
from bot.playground.world import BOT_ID, CHAT_ACTION_SECONDS, Chat, Json, Person, World

_ACTIONS = frozenset(action.value for action in ChatAction)
_GIFTS = (
    "unlimited_gifts",
    "limited_gifts",
    "unique_gifts",
    "premium_subscription",
    "gifts_from_channels",
)
_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
)
_NO_RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_promote_members",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)


def get_chat(world: World, form: Form) -> Json:
    chat = world.open_chat(form.required("chat_id"))
    return chat.body() | {
        "accent_color_id": chat.chat_id % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(_GIFTS, False),
    }


def get_chat_member(world: World, form: Form) -> Json:
    chat = world.open_chat(form.required("chat_id"))
    user_id = form.integer("user_id")
    if user_id == BOT_ID:
        return member(world.bot(), chat.bot_status)
    person = world.person_by_id(user_id)
    if person is None:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return member(person.body(), _status_of(chat, person))


def get_chat_administrators(world: World, form: Form) -> list[Json]:
    chat = world.open_chat(form.required("chat_id"))
    if chat.is_private:
        raise bad_request("there are no administrators in the private chat")
    people = [
        member(world.person(key).body(), status)
        for key, status in chat.members.items()
        if status in {"creator", "administrator"}
    ]
    return people + ([member(world.bot(), "administrator")] if chat.bot_status == "administrator" else [])


def get_chat_member_count(world: World, form: Form) -> int:
    chat = world.open_chat(form.required("chat_id"))
    return 2 if chat.is_private else len(chat.members) + 1


def leave_chat(world: World, form: Form) -> bool:
    chat = world.open_chat(form.required("chat_id"))
    if chat.is_private:
        raise bad_request("chat member status can't be changed in private chats")
    chat.bot_status = "left"
    world.touch()
    return True


def send_chat_action(world: World, form: Form) -> bool:
    """Shown for five seconds, or until the bot's next message."""
    chat = world.open_chat(form.required("chat_id"))
    action = form.required("action")
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat.action, chat.action_until = action, time.time() + CHAT_ACTION_SECONDS
    world.touch()
    return True


def member(user: Json, status: str) -> Json:
    """A ChatMember."""
    body: Json = {"status": status, "user": user}
    match status:
        case "creator":
            body["is_anonymous"] = False
        case "administrator":
            body |= dict.fromkeys(_RIGHTS, True) | dict.fromkeys(_NO_RIGHTS, False)
        case "kicked":
            body["until_date"] = 0
        case _:
            pass
    return body


def _status_of(chat: Chat, person: Person) -> str:
    if chat.owner is not None:
        return "member" if chat.owner is person else "left"
    return chat.members.get(person.key, "left")
