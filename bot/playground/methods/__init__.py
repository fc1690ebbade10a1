"""The Bot API methods that the playground knows; any other is 404, as at Telegram."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.playground.errors import ApiError
from bot.playground.forms import Form
from bot.playground.methods import chats, editing, profile, receiving, sending
from bot.playground.world import World

Method = Callable[[World, Form], Any]
"""Takes the world and a call, gives its result (or an awaitable of it); raises ApiError."""

METHODS: Mapping[str, Method] = {
    "getMe": profile.get_me,
    "getUpdates": receiving.get_updates,
    "setWebhook": receiving.set_webhook,
    "deleteWebhook": receiving.delete_webhook,
    "getWebhookInfo": receiving.get_webhook_info,
    "getFile": receiving.get_file,
    "answerCallbackQuery": receiving.answer_callback_query,
    "sendMessage": sending.send_message,
    "sendPhoto": sending.send_photo,
    "sendVideo": sending.send_video,
    "sendAnimation": sending.send_animation,
    "sendDocument": sending.send_document,
    "sendMediaGroup": sending.send_media_group,
    "copyMessage": sending.copy_message,
    "forwardMessage": sending.forward_message,
    "editMessageText": editing.edit_message_text,
    "editMessageCaption": editing.edit_message_caption,
    "editMessageMedia": editing.edit_message_media,
    "editMessageReplyMarkup": editing.edit_message_reply_markup,
    "deleteMessage": editing.delete_message,
    "deleteMessages": editing.delete_messages,
    "setMessageReaction": editing.set_message_reaction,
    "getChat": chats.get_chat,
    "getChatMember": chats.get_chat_member,
    "getChatAdministrators": chats.get_chat_administrators,
    "getChatMemberCount": chats.get_chat_member_count,
    "leaveChat": chats.leave_chat,
    "sendChatAction": chats.send_chat_action,
    "setMyCommands": profile.set_my_commands,
    "getMyCommands": profile.get_my_commands,
    "deleteMyCommands": profile.delete_my_commands,
    "setMyDescription": profile.set_my_description,
    "getMyDescription": profile.get_my_description,
    "setMyShortDescription": profile.set_my_short_description,
    "getMyShortDescription": profile.get_my_short_description,
}

_SPELLINGS = {name.lower(): name for name in METHODS}


def find_method(name: str) -> tuple[str, Method]:
    """The method as documented, whatever the case it was called in. Raises ApiError 404."""
    if (spelled := _SPELLINGS.get(name.lower())) is None:
        raise ApiError(404, "Not Found: method not found")
    return spelled, METHODS[spelled]
