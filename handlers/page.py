"""The words of the public page that tells where a file comes from; `bot/web.py` serves it."""

from __future__ import annotations

from engine.schema import MAX_VERIFY_BYTES
from handlers.texts import Texts


def page_words(say: Texts) -> dict[str, str]:
    """What stands on the page, escaped for HTML, by the names of the places in `bot/pages/verify.html`."""
    return {
        "language": say.language,
        "direction": say.direction,
        "title": say.say("Was this video made here?"),
        "intro": say.say(
            "Every clip of this bot carries signed credentials. "
            "Drop in a file, and this page tells what is known of it."
        ),
        "choose": say.say(
            "A video or picture, up to {megabytes} MB", megabytes=MAX_VERIFY_BYTES // 1_000_000
        ),
        "drop": say.say("or drop it here"),
        "check": say.say("Check"),
        "checking": say.say("Checking…"),
        "failed": say.say("The file could not be sent. Please try again."),
        "too_large": say.say(
            "The file is too large: I look into files up to {megabytes} MB.",
            megabytes=MAX_VERIFY_BYTES // 1_000_000,
        ),
        "answer": say.say("Answer"),
        "how": say.say("How it is checked"),
        "order": say.say(
            "First its signed credentials are read, then the invisible mark in its pictures, "
            "then its likeness to clips that were made here."
        ),
        "privacy": say.say(
            "The file goes to the bot's own server, is looked into there by a process of its own, and is not kept. "
            "No address that stands in the file is called."
        ),
    }
