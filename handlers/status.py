"""`/status`, and the words for a job that is on its way."""

from __future__ import annotations

from telegram import Update

from engine.errors import EngineUnavailable
from engine.schema import EngineStatus, JobStatus, JobView, Step
from handlers.buttons import Action, button
from handlers.context import Context, Keyboard, Services
from handlers.people import Sender, sender_of
from handlers.replies import reply
from handlers.texts import Html, Texts, paragraphs, texts

CERTIFICATE_WARNING_DAYS = 30


def progress_text(view: JobView, locale: str) -> Html:
    """Where a job is, as Telegram HTML. Rounded, so that it changes only when there is something to tell."""
    say = texts(locale)
    return paragraphs(_where(say, view), _when(say, view))


def progress_keyboard(job_id: str, locale: str) -> Keyboard:
    return ((button(texts(locale).plain("✖️ Cancel"), Action.CANCEL, job_id),),)


async def show_status(update: Update, context: Context) -> None:
    """Own jobs, the queue's length, the engine's health; in a group only what belongs to this group."""
    message = update.effective_message
    if message is None:
        return
    services, sender = context.services, sender_of(message)
    say = texts(sender.locale)
    here = None if message.chat.type == message.chat.PRIVATE else message.chat.id
    try:
        engine = await services.engine.status()
        own = await _own_jobs(services, sender, chat_id=here)
    except EngineUnavailable:
        text = say.say(
            "My workshop does not answer right now. What you sent is kept, and I go on as soon as it does."
        )
    else:
        is_operator = message.chat.id == services.rules.operator_chat_id
        text = paragraphs(
            _own(say, own),
            _others(say, engine, own),
            _health(say, engine),
            _certificate(say, engine) if is_operator else "",
            _thumbs(say, *await services.store.ratings()) if is_operator else "",
        )
    await reply(message, "status", text, services)


def _thumbs(say: Texts, up: int, down: int) -> Html:
    return say.say("Clips of the last week: 👍 {up}, 👎 {down}.", up=up, down=down)


async def _own_jobs(services: Services, sender: Sender, *, chat_id: int | None) -> list[JobView]:
    tickets = await services.store.open_tickets(user_id=sender.user_id, chat_id=chat_id)
    known = {ticket.job_id for ticket in tickets}
    view = await services.engine.requester(services.identities.requester(sender.user_id))
    return [job for job in view.jobs if job.job_id in known]


def _own(say: Texts, own: list[JobView]) -> Html:
    if not own:
        return say.say("You have no clip on its way.")
    lines = [Html(f"• {_where(say, job)} {_when(say, job)}".rstrip()) for job in own]
    return paragraphs(
        say.count("You have {number} clip on its way:", "You have {number} clips on their way:", len(own)),
        *lines,
    )


def _others(say: Texts, engine: EngineStatus, own: list[JobView]) -> Html:
    others = max(0, engine.queued + engine.running - len(own))
    if not others:
        return say.say("Nobody else is waiting.")
    return say.count(
        "Besides, {number} clip is on its way.", "Besides, {number} clips are on their way.", others
    )


def _health(say: Texts, engine: EngineStatus) -> Html:
    if not engine.ready:
        return say.say("My workshop is warming up; what you send is kept and made as soon as it is ready.")
    if not engine.accepting:
        return say.say("My workshop takes nothing new right now. Please try again in a few minutes.")
    time = say.duration(engine.typical_seconds)
    return paragraphs(
        say.say("All is well: a clip usually takes about {time}.", time=time),
        say.say("This is a test set-up: not all checks are switched on.") if engine.switched_off else "",
    )


def _certificate(say: Texts, engine: EngineStatus) -> Html:
    """For the operator, in time: on the day when it ends no clip can be finished any more."""
    days = int(max(0.0, engine.leaf_days_left))
    if days >= CERTIFICATE_WARNING_DAYS:
        return Html()
    return paragraphs(
        say.count(
            "⚠️ The signing certificate ends in {number} day; then no clip can be finished.",
            "⚠️ The signing certificate ends in {number} days; then no clip can be finished.",
            days,
        ),
        say.say("Run <code>python -m engine keys renew</code> and start the engine anew."),
    )


def _where(say: Texts, view: JobView) -> Html:
    match view.status:
        case JobStatus.QUEUED if view.place == 1:
            return say.say("⏳ Next in the queue.")
        case JobStatus.QUEUED if view.place is not None:
            return say.say("⏳ In the queue: place {place}.", place=view.place)
        case JobStatus.RUNNING:
            return _step(say, view)
        case JobStatus.HELD:
            return say.say("🧑‍⚖️ A person takes a look before the clip comes.")
        case _:
            return say.say("⏳ In the queue.")


def _step(say: Texts, view: JobView) -> Html:
    match view.step:
        case Step.WAITING:
            return say.say("🎞 Your photo is next to the projector.")
        case Step.LOADING:
            return say.say("🔥 My projector is warming up…")
        case Step.RENDERING if view.passes:
            return say.say(
                "🎞 Bringing your photo to life: step {number} of {count}…",
                number=view.pass_number,
                count=view.passes,
            )
        case Step.RENDERING:
            return say.say("🎞 Bringing your photo to life…")
        case Step.DECODING:
            return say.say("🎞 The pictures appear one by one…")
        case Step.ENCODING:
            return say.say("🎞 Winding up the film…")
        case Step.CHECKING:
            return say.say("🔎 Checking the clip…")
        case Step.SIGNING:
            return say.say("✍️ Signing the clip…")


def _when(say: Texts, view: JobView) -> Html:
    if view.expected_seconds is None or view.status is JobStatus.HELD:
        return Html()
    return say.say("Ready in about {time}.", time=say.duration(view.expected_seconds))
