"""What a group decides for itself, whom we asked there, and what was said to its stories: values, and where they are kept."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec


class Who(StrEnum):
    """Who of a group may do something."""

    EVERYBODY = "everybody"
    ADMINS = "admins"
    NOBODY = "nobody"


class GroupRules(msgspec.Struct, frozen=True, kw_only=True):
    """A group's own settings, which only add to ours. Hours are the group's (0 to 23), `utc_hours` ahead of UTC.

    `clips_per_day`: of each member; 0 is without a limit. `people`: whether clips that show people may be shared
    here. `story_thread`: the topic for stories. Quiet hours are off where `quiet_from` is None.
    """

    makers: Who = Who.EVERYBODY
    sharers: Who = Who.EVERYBODY
    people: bool = True
    clips_per_day: int = 0
    quiet_from: int | None = None
    quiet_until: int = 0
    utc_hours: int = 0
    story_thread: int | None = None

    def local_hour(self, now: float) -> int:
        return int(now // 3600 + self.utc_hours) % 24

    def is_quiet(self, now: float) -> bool:
        """At `now` in Unix seconds; the hours may go over midnight."""
        if self.quiet_from is None:
            return False
        asleep = (self.quiet_until - self.quiet_from) % 24
        return (self.local_hour(now) - self.quiet_from) % 24 < asleep


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks for a clip of another person's photo. `ticket` is theirs, as JSON; the words are kept until the
    author has answered, a day at most.
    """

    job_id: str
    chat_id: int
    user_id: int
    author_id: int
    prompt: str
    ticket: str


class GroupStore(Protocol):
    """The part of the store that is about groups."""

    async def group_rules(self, chat_id: int) -> GroupRules: ...

    async def set_group_rules(self, chat_id: int, rules: GroupRules) -> None: ...

    async def clips_today(self, chat_id: int, user_id: int) -> tuple[int, float]:
        """How many clips a person had here in 24 hours or waits for, and when the first of them was made."""

    async def ask_author(self, consent: Consent) -> None: ...

    async def consent(self, job_id: str) -> Consent | None: ...

    async def end_consent(self, job_id: str) -> bool:
        """The author has answered; false where they had before."""

    async def report_story(self, story_id: str, user_id: int) -> int:
        """How many people have reported it now."""

    async def hide_story(self, story_id: str, *, hidden: bool) -> None:
        """A hidden one is not posted any more; its message is forgotten."""

    async def set_heart(self, story_id: str, user_id: int, *, on: bool | None = None) -> int:
        """How many people like it now; None takes back what was there, or adds it."""

    async def hearts(self, story_id: str) -> int: ...

    async def liked(self) -> dict[str, int]:
        """Hearts by story, of those that stand in a group."""

    async def story_at(self, chat_id: int, message_id: int) -> str | None:
        """The id of the story that is posted there."""
