"""Every button, in one table: what it asks for and who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from telegram import CallbackQuery, Update

from handlers import (
    account,
    cancel,
    clip,
    consent,
    group_settings,
    once_more,
    operators,
    preset,
    report,
    share,
    story,
    verify,
)
from handlers.buttons import Action, Press, read_press
from handlers.context import Context
from handlers.replies import answer_press
from handlers.texts import texts

ANSWERS: Mapping[Action, Callable[[Press, CallbackQuery, Context], Awaitable[None]]] = {
    Action.CANCEL: cancel.press_cancel,
    Action.PRESET: preset.press_preset,
    Action.ORIGINAL: clip.press_original,
    Action.DELETE: clip.press_delete,
    Action.SHARE: share.press_share,
    Action.SHARE_TO: share.press_share_to,
    Action.OTHER_GROUP: share.press_other_group,
    Action.PEOPLE_AGREE: share.press_people_agree,
    Action.PEOPLE_DISAGREE: share.press_people_disagree,
    Action.REPORT_CLIP: report.press_report_clip,
    Action.REPORT_STORY: report.press_report_story,
    Action.TAKE_BACK: story.press_take_back,
    **once_more.ACTIONS,
    **operators.ACTIONS,
    **consent.ACTIONS,
    Action.SETTING: group_settings.press_setting,
    Action.HEART: story.press_heart,
    Action.VERIFY: verify.press_verify,
    Action.FORGET: account.press_forget,
    Action.NEVER_MIND: account.press_never_mind,
    Action.LANGUAGE: account.press_language,
}


async def pressed(update: Update, context: Context) -> None:
    """Each of them checks who pressed, answers the press, and only then works."""
    query = update.callback_query
    if query is None:
        return
    press = read_press(query.data or "")
    if press is None:
        say = texts(query.from_user.language_code)
        await answer_press(query, say.plain("This button is from an older time and does nothing any more."))
        return
    await ANSWERS[press.action](press, query, context)
