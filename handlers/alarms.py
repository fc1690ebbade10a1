"""What the operator's chat is told when something that was promised does not hold."""

from __future__ import annotations

from handlers.context import SendText
from handlers.texts import SOURCE_LANGUAGE, paragraphs, texts


def changed_on_the_way(operator_chat_id: int, job_id: str) -> SendText:
    """Telegram hands out other bytes than those that were signed, so the credentials are lost."""
    say = texts(SOURCE_LANGUAGE)
    return SendText(
        chat_id=operator_chat_id,
        text=paragraphs(
            say.say("🚨 <b>Telegram changed a clip on the way</b>, so its credentials no longer hold."),
            say.say("Job <code>{job_id}</code>", job_id=job_id),
            say.say(
                'With <code>deliver_as = "document"</code> in <code>[bot]</code> clips go out as files; '
                "<code>scripts/live-check</code> tells more. This is said once a day."
            ),
        ),
    )
