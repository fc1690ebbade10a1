"""Bot API methods about the bot itself: who it is, its commands, its descriptions."""

from __future__ import annotations

import json
import re

from bot.playground.errors import bad_request
from bot.playground.forms import Form
from bot.playground.world import Chat, Json, Person, World

_COMMAND = re.compile(r"/?[a-z0-9_]{1,32}")
COMMAND_LIMIT = 100

_LANGUAGE = re.compile(r"(?:[a-z]{2})?")
"""A two-letter ISO 639-1 code, or nothing for everybody else."""


def get_me(world: World, form: Form) -> Json:
    del form
    return world.bot() | {
        "can_join_groups": True,
        "can_read_all_group_messages": not world.privacy,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def set_my_commands(world: World, form: Form) -> bool:
    commands = form.json("commands") or []
    if len(commands) > COMMAND_LIMIT:
        raise bad_request("too many commands specified")
    for command in commands:
        if not _COMMAND.fullmatch(command.get("command", "")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command.get("description", "")) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    world.commands[_scope(form), _language(form)] = [
        {**command, "command": command["command"].lstrip("/")} for command in commands
    ]
    world.touch()
    return True


def get_my_commands(world: World, form: Form) -> list[Json]:
    return world.commands.get((_scope(form), _language(form)), [])


def delete_my_commands(world: World, form: Form) -> bool:
    world.commands.pop((_scope(form), _language(form)), None)
    world.touch()
    return True


def set_my_description(world: World, form: Form) -> bool:
    return _describe(world, form, "description", limit=512)


def set_my_short_description(world: World, form: Form) -> bool:
    return _describe(world, form, "short_description", limit=120)


def get_my_description(world: World, form: Form) -> Json:
    return {"description": world.descriptions.get(("description", _language(form)), "")}


def get_my_short_description(world: World, form: Form) -> Json:
    text = world.descriptions.get(("short_description", _language(form)), "")
    return {"short_description": text}


def shown_commands(world: World, chat: Chat, person: Person) -> list[Json]:
    """The commands in the menu of this person in this chat: the narrowest scope first, in each their language
    before the default (core.telegram.org/bots/api#determining-list-of-commands).
    """
    here = {"chat_id": chat.chat_id, "type": "chat"}
    if chat.is_private:
        scopes: list[Json] = [here, {"type": "all_private_chats"}, {"type": "default"}]
    else:
        scopes = [{"chat_id": chat.chat_id, "type": "chat_member", "user_id": person.user_id}]
        rules = chat.members.get(person.key) in {"creator", "administrator"}
        if rules:
            scopes.append({"chat_id": chat.chat_id, "type": "chat_administrators"})
        scopes.append(here)
        if rules:
            scopes.append({"type": "all_chat_administrators"})
        scopes += [{"type": "all_group_chats"}, {"type": "default"}]
    for scope in scopes:
        for language in (person.locale[:2], ""):
            if commands := world.commands.get((_canonical(scope), language)):
                return commands
    return []


def shown_description(world: World, person: Person) -> str:
    """What an empty chat with the bot shows."""
    for language in (person.locale[:2], ""):
        if text := world.descriptions.get(("description", language)):
            return text
    return ""


def _describe(world: World, form: Form, what: str, *, limit: int) -> bool:
    text = form.text(what)
    if len(text) > limit:
        raise bad_request(f"{what.replace('_', ' ')} is too long")
    world.descriptions[what, _language(form)] = text
    world.touch()
    return True


def _language(form: Form) -> str:
    code = form.text("language_code")
    if not _LANGUAGE.fullmatch(code):
        raise bad_request("invalid language code specified")
    return code


def _scope(form: Form) -> str:
    return _canonical(form.json("scope") or {"type": "default"})


def _canonical(scope: Json) -> str:
    return json.dumps(scope, sort_keys=True)
