"""“Report”: the engine holds the clip back from further sharing, and the operator's chat gets a card."""

from __future__ import annotations

from telegram import CallbackQuery
from telegram.error import TelegramError

from engine import logs
from engine.errors import NotFound
from engine.schema import ReportRequest
from handlers.buttons import Press
from handlers.context import Context, SendText, Services, Story
from handlers.operators import card_keyboard
from handlers.replies import answer_press
from handlers.story import hide
from handlers.texts import SOURCE_LANGUAGE, Html, Texts, paragraphs, texts

log = logs.get("report")


async def press_report_clip(press: Press, query: CallbackQuery, context: Context) -> None:
    """Under a clip that was made in a group."""
    await _report(press.subject, query, context)


async def press_report_story(press: Press, query: CallbackQuery, context: Context) -> None:
    story = await context.services.store.story(press.subject)
    if story is None:
        await answer_press(query, texts(query.from_user.language_code).plain("This story has ended already."))
        return
    await _count(story, query, context.services)
    await _report(story.job_id, query, context)


async def _count(story: Story, query: CallbackQuery, services: Services) -> None:
    """Enough members of the group hide it; a press from elsewhere is none of theirs."""
    if query.message is None or query.message.chat.id != story.chat_id or story.ended or story.hidden:
        return
    reports = await services.store.report_story(story.story_id, query.from_user.id)
    if reports >= services.rules.hide_after_reports:
        await hide(story, services)


async def _report(job_id: str, query: CallbackQuery, context: Context) -> None:
    """The card is on disk first: whatever happens to the engine then, a person hears of it."""
    services = context.services
    say = texts(query.from_user.language_code)
    chat_id = query.message.chat.id if query.message else query.from_user.id
    reporter = services.identities.requester(query.from_user.id)
    first = await _put_card(job_id, reporter, chat_id, services)
    await answer_press(query, _thanks(say, services), alert=True)
    group = services.identities.group(chat_id) if chat_id < 0 else None
    try:
        await services.engine.report(job_id, ReportRequest(reporter=reporter, group=group))
    except NotFound:
        log.info("reported clip is no longer stored", job_id=job_id)
    finally:  # also where the engine is away, and the press comes here once more
        if first:
            await _show_clip(job_id, context)


def _thanks(say: Texts, services: Services) -> str:
    """No more than is true: without an operator's chat nobody looks at it, but it is shared no further."""
    if services.rules.operator_chat_id is None:
        return say.plain("Thank you. This clip is not shared any further, and nobody learns that it was you.")
    return say.plain("Thank you. A person looks at it, and nobody learns that it was you.")


async def _put_card(job_id: str, reporter: str, chat_id: int, services: Services) -> bool:
    """False where this person's card was put before, or nobody would see it."""
    operator = services.rules.operator_chat_id
    if operator is None:
        log.warning("report without an operator's chat", job_id=job_id)
        return False
    group = await services.store.group(chat_id)
    note = SendText(
        chat_id=operator,
        text=_card(job_id, group.title if group else ""),
        keyboard=card_keyboard(job_id, texts(SOURCE_LANGUAGE)),
    )
    return await services.outbox.put(f"report:{job_id}:{reporter}", note)


def _card(job_id: str, title: str) -> Html:
    say = texts(SOURCE_LANGUAGE)
    return paragraphs(
        say.say("🚩 <b>Report</b>"),
        say.say("Job <code>{job_id}</code>", job_id=job_id),
        say.say("Seen in “{group}”.", group=title) if title else "",
        say.say("It is not shared again until you decide."),
    )


async def _show_clip(job_id: str, context: Context) -> None:
    """Beside the card, so that the operator need not look for it. The card stands without it, too."""
    services = context.services
    operator, clip = services.rules.operator_chat_id, await services.store.clip(job_id)
    if operator is None or clip is None:
        return
    try:
        await context.bot.send_video(operator, clip.file_id, caption=job_id, has_spoiler=True)
    except TelegramError as error:
        log.warning("reported clip not shown", job_id=job_id, error=type(error).__name__)
