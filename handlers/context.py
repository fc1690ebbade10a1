"""What handlers may use: the services of the bot as protocols, and the plain values that they exchange.

`bot/` implements the protocols; handlers and their tests know only this module. Nothing here talks to
Telegram by itself except through PTB's own `context.bot`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from telegram.ext import CallbackContext, ExtBot

from engine.client import EngineClient
from engine.schema import Outcome
from handlers.group_values import GroupStore
from handlers.pace import Pace


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """An inline button. `data` is at most 64 bytes and never holds a person's text."""

    text: str
    data: str


Keyboard = tuple[tuple[Button, ...], ...]


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What the bot remembers of a request and the engine must not know. One per job.

    `reply_to` is random; `message_id` is the message with the photo. `maker_name` is shown with shared
    stories. The prompt is not kept.
    """

    reply_to: str
    job_id: str
    chat_id: int
    message_id: int
    user_id: int
    maker_name: str
    locale: str
    photo_file_id: str
    thread_id: int | None = None
    in_group: bool = False
    placeholder_id: int | None = None
    ended: bool = False


class ClipRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A clip that was delivered: Telegram's file id lets us post it again without an upload."""

    job_id: str
    user_id: int
    maker_name: str
    file_id: str
    label: str
    shows_people: bool
    chat_id: int
    message_id: int


class Group(msgspec.Struct, frozen=True, kw_only=True):
    chat_id: int
    title: str


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A clip shared into a group for a limited time. Times are Unix seconds; `message_id` is None until posted.

    A hidden one waits for an operator.
    """

    story_id: str
    job_id: str
    user_id: int
    maker_name: str
    chat_id: int
    ends_at: float
    message_id: int | None = None
    thread_id: int | None = None
    ended: bool = False
    hidden: bool = False


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """What a person (in private) or a group chose. `language` is None where their app's shall count."""

    language: str | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A message of ours; what `user_id` answers to it are other words for the photo of `job_id`."""

    chat_id: int
    message_id: int
    job_id: str
    user_id: int


@dataclass(frozen=True, slots=True)
class Person:
    """All that the bot holds of a person: rows by table, as plain values; and stories that still stand in groups."""

    tables: dict[str, list[dict[str, object]]]
    live_stories: tuple[Story, ...]


class EditToVideo(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="edit_to_video"):
    """Edit the placeholder into the clip of `job_id`; then nudge, because an edit does not notify.

    Where Telegram refuses the edit (placeholder gone), the outbox sends the clip once instead. `label` and
    `shows_people` go into the `ClipRecord` that the outbox keeps once Telegram has the clip; `gone` is said
    instead when the engine no longer has it. The outbox acknowledges the job.
    """

    chat_id: int
    message_id: int | None
    job_id: str
    caption: str
    keyboard: Keyboard
    width: int
    height: int
    duration_seconds: float
    nudge: str
    label: str
    shows_people: bool
    gone: str
    thread_id: int | None = None
    answer_to: int | None = None


class EditText(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="edit_text"):
    """Edit a message's text (HTML); where that is refused because it is gone, send it instead.

    `job_id` is set where this tells how a job ended: the outbox acknowledges it once it is said.
    """

    chat_id: int
    message_id: int | None
    text: str
    keyboard: Keyboard = ()
    job_id: str | None = None
    thread_id: int | None = None
    answer_to: int | None = None


class SendText(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="send_text"):
    """Send a new message (HTML). Never retried after a time-out."""

    chat_id: int
    text: str
    keyboard: Keyboard = ()
    thread_id: int | None = None
    answer_to: int | None = None


class EditButtons(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="edit_buttons"):
    """Other buttons under a message of ours; one that is gone counts as done."""

    chat_id: int
    message_id: int
    keyboard: Keyboard


class PostStory(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="post_story"):
    """Post a delivered clip into a group by file id; the message id is kept with the story."""

    story_id: str
    chat_id: int
    file_id: str
    caption: str
    keyboard: Keyboard
    thread_id: int | None = None


class SendOriginal(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="send_original"):
    """Send the signed file as a document: every byte kept, credentials included.

    `gone` is said instead when the engine no longer has the file.
    """

    chat_id: int
    job_id: str
    caption: str
    gone: str
    thread_id: int | None = None
    answer_to: int | None = None


class DeleteMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="delete_message"):
    """Delete one of the bot's own messages; one that is gone already counts as done."""

    chat_id: int
    message_id: int


Note = EditToVideo | EditText | EditButtons | SendText | PostStory | SendOriginal | DeleteMessage


class Outbox(Protocol):
    """What is still to be said. Durable: once `put` returns, the note survives a crash."""

    async def put(self, key: str, note: Note) -> bool:
        """Say it as soon as Telegram lets us. The same key is said once, however often it is put; false then."""

    async def progress(self, chat_id: int, message_id: int, text: str, keyboard: Keyboard = ()) -> None:
        """A passing remark: the latest per message wins, edits are spaced, and any may be dropped."""


class Store(GroupStore, Protocol):
    """The bot's own table of what the engine must not know."""

    async def open_ticket(self, ticket: Ticket) -> Ticket:
        """Keep it, or return the one that this job id already has."""

    async def set_placeholder(self, job_id: str, message_id: int) -> None: ...

    async def ticket(self, reply_to: str) -> Ticket | None: ...

    async def ticket_of_job(self, job_id: str) -> Ticket | None: ...

    async def open_tickets(self, *, user_id: int | None = None, chat_id: int | None = None) -> list[Ticket]:
        """Tickets that have not ended, oldest first; of one person, of one chat, or all."""

    async def end_ticket(self, job_id: str) -> None: ...

    async def clip(self, job_id: str) -> ClipRecord | None: ...

    async def saw_group(self, group: Group) -> None: ...

    async def saw_member(self, chat_id: int, user_id: int) -> None: ...

    async def forget_group(self, chat_id: int) -> None:
        """The bot was removed: the group is no longer offered."""

    async def migrate_group(self, old_chat_id: int, new_chat_id: int) -> None:
        """A group became a supergroup: every row follows."""

    async def group(self, chat_id: int) -> Group | None: ...

    async def groups_of(self, user_id: int) -> list[Group]:
        """Groups where the bot is and where this person was seen."""

    async def add_story(self, story: Story) -> Story:
        """Keep it, or return the one that this story id already has."""

    async def story(self, story_id: str) -> Story | None: ...

    async def live_stories(self, *, chat_id: int | None = None, job_id: str | None = None) -> list[Story]: ...

    async def end_story(self, story_id: str) -> None: ...

    async def ask(self, question: Question) -> None: ...

    async def question(self, chat_id: int, message_id: int) -> Question | None: ...

    async def rate(self, job_id: str, user_id: int, *, good: bool) -> None:
        """One thumb a person and clip; the last one counts."""

    async def ratings(self) -> tuple[int, int]:
        """Thumbs up and thumbs down of the last week."""

    async def preferences(self, chat_id: int) -> Preferences: ...

    async def set_preferences(self, chat_id: int, preferences: Preferences) -> None: ...

    async def person(self, user_id: int) -> Person: ...

    async def forget_person(self, user_id: int) -> None:
        """Every row of a person goes at once, and what was blanked from the log, too."""


class Identities(Protocol):
    """Keyed hashes: nobody can compute a chat or a person back from what the engine gets."""

    def job_id(self, chat_id: int, message_id: int, press: str = "") -> str:
        """A UUID: the same for a repeated update, another one for every press of a button."""

    def requester(self, user_id: int) -> str: ...

    def group(self, chat_id: int) -> str: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """The bot's settings that handlers need. `stale_after_seconds`: older requests are not rendered."""

    operator_chat_id: int | None
    story_hours: int
    hide_after_reports: int
    stale_after_seconds: float
    album_wait_seconds: float
    progress_private_seconds: float
    progress_group_seconds: float
    edit_into_clip: bool
    verify_per_hour: int


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a handler can reach, put together once in `bot/app.py`."""

    engine: EngineClient
    store: Store
    outbox: Outbox
    identities: Identities
    rules: Rules
    verifying: Pace
    """How often one person may have a file looked into."""
    now: Callable[[], float]
    """Unix seconds; a test stands in for the clock here."""


class EngineOutcome:
    """An outcome on its way through PTB's update queue; a `TypeHandler` answers it like any other update."""

    __slots__ = ("outcome", "sequence")

    def __init__(self, sequence: int, outcome: Outcome) -> None:
        self.sequence = sequence
        self.outcome = outcome


class Context(CallbackContext[ExtBot[None], dict[Any, Any], dict[Any, Any], dict[Any, Any]]):
    """PTB's context with our services on it; `bot/app.py` puts them into `bot_data` under this key."""

    SERVICES = "services"

    @property
    def services(self) -> Services:
        services: Services = self.bot_data[self.SERVICES]
        return services
