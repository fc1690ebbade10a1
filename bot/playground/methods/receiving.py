"""Bot API methods by which the bot hears: updates, webhooks, files, and answers to pressed buttons."""

from __future__ import annotations

import time
from typing import Any

from bot.playground.errors import bad_request
from bot.playground.forms import Form
from bot.playground.updates import is_here
from bot.playground.world import Json, World

LONGEST_POLL_SECONDS = 50
QUERY_SECONDS = 30.0
"""After this a press can no longer be answered; Telegram's own limit is undocumented, about this."""


async def get_updates(world: World, form: Form) -> list[Json]:
    world.updates.allow(form.json("allowed_updates"))
    return await world.updates.get(
        offset=form.integer("offset"),
        limit=min(max(form.integer("limit", 100), 1), 100),
        seconds=min(form.integer("timeout"), LONGEST_POLL_SECONDS),
    )


def set_webhook(world: World, form: Form) -> bool:
    """Updates are brought there (`webhooks.bring`), on this machine only; getUpdates is refused meanwhile."""
    url = form.text("url")
    if url and not (is_here(url) or url.startswith("https://")):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    world.updates.allow(form.json("allowed_updates"))
    world.updates.webhook_url, world.updates.webhook_secret = url, form.text("secret_token")
    if form.flag("drop_pending_updates"):
        world.updates.drop_all()
    return True


def delete_webhook(world: World, form: Form) -> bool:
    world.updates.webhook_url = world.updates.webhook_secret = world.updates.webhook_error = ""
    if form.flag("drop_pending_updates"):
        world.updates.drop_all()
    return True


def get_webhook_info(world: World, form: Form) -> Json:
    del form
    info: dict[str, Any] = {
        "url": world.updates.webhook_url,
        "has_custom_certificate": False,
        "pending_update_count": world.updates.pending,
    }
    if world.updates.webhook_error:
        info["last_error_date"] = int(time.time())
        info["last_error_message"] = world.updates.webhook_error
    if world.updates.allowed is not None:
        info["allowed_updates"] = world.updates.allowed
    return info


def get_file(world: World, form: Form) -> Json:
    return world.files.link(form.required("file_id"))


def answer_callback_query(world: World, form: Form) -> bool:
    """Once per press, and soon."""
    query_id = form.required("callback_query_id")
    pressed_at = world.query_times.pop(query_id, None)
    if pressed_at is None or time.monotonic() - pressed_at > QUERY_SECONDS:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    text = form.text("text")
    if len(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    world.queries[query_id] = {"text": text, "show_alert": form.flag("show_alert"), "url": form.text("url")}
    world.touch()
    return True
