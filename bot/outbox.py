"""What is still to be said: kept on disk, said in order per chat, and repeated only where that cannot double it.

pending ──▶ (edits) ──────────────▶ sent
   │  ▲       └── later ──▶ pending
   ▼  └── refused before it was sent
sending (sends only) ──▶ sent | unknown (a clip that may have arrived: never repeated; a text is)
                              undeliverable (blocked, kicked) · failed (Telegram will never take it)
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import assert_never
from weakref import WeakValueDictionary

from msgspec.structs import replace
from telegram.error import TelegramError

from bot import troubles
from bot.acknowledgements import Acknowledgements
from bot.arrivals import Arrivals
from bot.database import StorageError
from bot.delivery import Delivery, Said, is_send
from bot.notes import Notes, Row
from bot.remarks import Remarks
from engine import logs
from engine.client import EngineClient
from engine.errors import EngineError
from handlers.context import (
    DeleteMessage,
    EditText,
    EditToVideo,
    Keyboard,
    Note,
    Outbox,
    PostStory,
    Rules,
    SendOriginal,
    SendText,
)

log = logs.get(__name__)

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 60.0
GIVE_UP_SECONDS, GIVE_UP_TRIES = 86_400.0, 20
"""Telegram keeps updates for a day; what could not be said for a day is not said at all. A clock that was set forward
alone is no day: it was tried so often, too, which takes a quarter of an hour."""


class DurableOutbox(Outbox):
    """Implements `handlers.context.Outbox`. Between `start` and `stop` it speaks; `put` works before, too."""

    def __init__(
        self,
        notes: Notes,
        delivery: Delivery,
        engine: EngineClient,
        rules: Rules,
        *,
        now: Callable[[], float],
        arrivals: Arrivals | None = None,
    ) -> None:
        self._notes = notes
        self._delivery = delivery
        self._now = now
        self._arrivals = arrivals
        self._lanes: dict[int, asyncio.Task[None]] = {}
        self._stirred: set[int] = set()
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._speaking = False
        self._remarks = Remarks(delivery, rules, turn=self._turn, busy=self._lanes.__contains__)
        self.acknowledgements = Acknowledgements(notes, engine)

    async def put(self, key: str, note: Note) -> bool:
        is_new = await self._notes.add(key, note)
        if is_new:
            self._expect(note)
            self._stir(note.chat_id)
        return is_new

    async def progress(self, chat_id: int, message_id: int, text: str, keyboard: Keyboard = ()) -> None:
        if self._speaking:
            self._remarks.hear(chat_id, message_id, text, keyboard)

    async def start(self) -> None:
        """Say what an earlier process left; a clip that it was sending when it ended is not sent again."""
        self._speaking = True
        for number in await self._notes.settle_interrupted():
            log.warning("a clip was being sent when the bot ended; it is not sent again", note=number)
        for chat_id in await self._notes.waiting_chats():
            self._stir(chat_id)

    async def stop(self, *, seconds: float) -> None:
        """Finish what is being said, for so long; the rest stays on disk."""
        self._speaking = False
        await self._remarks.stop()
        lanes = list(self._lanes.values())
        if lanes:
            await asyncio.wait(lanes, timeout=seconds)
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)

    def _expect(self, note: Note) -> None:
        match note:
            case EditToVideo(message_id=int(message_id)) | EditText(message_id=int(message_id)):
                self._remarks.silence(note.chat_id, message_id)
            case DeleteMessage():
                self._remarks.silence(note.chat_id, note.message_id)
            case _:
                pass

    def _stir(self, chat_id: int) -> None:
        """See to it that the chat's lane looks at the table once more."""
        self._stirred.add(chat_id)
        if self._speaking and chat_id not in self._lanes:
            self._lanes[chat_id] = asyncio.create_task(self._lane(chat_id), name=f"outbox {chat_id}")

    async def _lane(self, chat_id: int) -> None:
        try:
            while self._speaking and chat_id in self._stirred:
                self._stirred.discard(chat_id)
                await self._say_all(chat_id)
        finally:
            del self._lanes[chat_id]

    async def _say_all(self, chat_id: int) -> None:
        try:
            while self._speaking and (row := await self._notes.next(chat_id)):
                async with self._turn(chat_id):
                    pause = await self._say(row)
                await asyncio.sleep(pause)
        except StorageError:
            log.exception("the outbox cannot be used; trying on")
            self._stirred.add(chat_id)
            await asyncio.sleep(FIRST_PAUSE_SECONDS)

    async def _say(self, row: Row) -> float:
        """Say one note, or find out why not; returns the pause before the chat's next."""
        if self._now() - row.put_at > GIVE_UP_SECONDS and row.tries >= GIVE_UP_TRIES:
            await self._meet(row, troubles.Hopeless("a day old"))
            return 0.0
        if not await self._notes.wanted(row):
            await self._notes.end(row, "sent")
            return 0.0
        self._expect(row.note)
        try:
            clip = await self._delivery.fetch(row.note)
            said = await self._delivery.say(row.note, clip, begin=lambda: self._notes.begin(row))
        except (TelegramError, EngineError) as error:
            return await self._meet(row, troubles.understand(error, send=is_send(row.note)))
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001  # one note that we cannot say must not silence the chat
            self._report(row, error)
            return await self._meet(row, troubles.Hopeless(type(error).__name__))
        await self._keep(row, said)
        if self._arrivals is not None:
            self._arrivals.look_at(row.note, clip, said)
        return 0.0

    def _report(self, row: Row, error: Exception) -> None:
        log.error("note met a surprise", note=row.number, error=type(error).__name__, at=_where(error))

    async def _keep(self, row: Row, said: Said) -> None:
        further = await self._notes.keep(row, said)
        for note in further:
            self._expect(note)
        self._stirred.add(row.note.chat_id)
        self.acknowledgements.stir()

    async def _meet(self, row: Row, trouble: troubles.Trouble) -> float:
        """Do what the trouble asks for; returns the pause before the chat's next note."""
        kind, why = type(row.note).__name__, type(trouble).__name__
        log.info("note not said", note=row.number, kind=kind, trouble=why, tries=row.tries)
        match trouble:
            case troubles.Later(seconds):
                await self._notes.postpone(row)
                return _pause_after(row.tries) if seconds is None else seconds
            case troubles.Moved(chat_id):
                await self._notes.follow_group(row, chat_id)
                self._stir(chat_id)
            case troubles.Gone():
                await self._say_otherwise(row, _without_the_message(row.note))
            case troubles.ClipGone():
                await self._say_otherwise(row, _without_the_clip(row.note))
            case troubles.NoThread():
                await self._say_otherwise(row, _without_the_thread(row.note))
            case troubles.Unclear() if isinstance(row.note, SendText | EditText):
                # Twice is better than never: an outage that swallows answers would swallow every text.
                await self._notes.postpone(row)
                return _pause_after(row.tries)
            case troubles.Unclear():
                log.warning("a send may have arrived; it is not repeated", note=row.number)
                await self._notes.end(row, "unknown")
            case troubles.Unreachable():
                await self._notes.end(row, "undeliverable")
            case troubles.Hopeless(why):
                log.error("note given up", note=row.number, why=why)
                await self._notes.end(row, "failed")
            case _:
                assert_never(trouble)
        self.acknowledgements.stir()
        return 0.0

    async def _say_otherwise(self, row: Row, note: Note | None) -> None:
        """Replace the note by one that says the same in another way; None where nothing is left to say."""
        if note is None:
            await self._notes.end(row, "sent")
        else:
            await self._notes.replace(row, note)

    @asynccontextmanager
    async def _turn(self, chat_id: int) -> AsyncIterator[None]:
        """One speaker at a time in a chat, so that a remark cannot overtake a result on the wire."""
        lock = self._turns.setdefault(chat_id, asyncio.Lock())
        async with lock:
            yield


def _without_the_message(note: Note) -> Note | None:
    match note:
        case EditToVideo(message_id=int()) | EditText(message_id=int()):
            return replace(note, message_id=None)
        case _:
            return None


def _without_the_clip(note: Note) -> Note | None:
    match note:
        case EditToVideo():
            return EditText(
                chat_id=note.chat_id,
                message_id=note.message_id,
                text=note.gone,
                job_id=note.job_id,
                thread_id=note.thread_id,
                answer_to=note.answer_to,
            )
        case SendOriginal():
            return SendText(
                chat_id=note.chat_id, text=note.gone, thread_id=note.thread_id, answer_to=note.answer_to
            )
        case _:
            return None


def _without_the_thread(note: Note) -> Note | None:
    match note:
        case EditToVideo() | EditText() | SendText() | PostStory() | SendOriginal() if (
            note.thread_id is not None
        ):
            return replace(note, thread_id=None)
        case _:
            return None


def _pause_after(tries: int) -> float:
    return float(min(FIRST_PAUSE_SECONDS * 2 ** min(tries, 10), LONGEST_PAUSE_SECONDS))


def _where(error: BaseException) -> list[str]:
    """The innermost calls. The message of an exception may quote a person, so it is left out."""
    return [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-3:]]
