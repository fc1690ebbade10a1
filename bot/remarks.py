"""Passing remarks: a placeholder's progress, where only the latest counts and any may be dropped."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from telegram.error import BadRequest, Forbidden, TelegramError

from bot.delivery import Delivery
from bot.troubles import is_not_modified
from handlers.context import Keyboard, Rules

MOST_LINES = 10_000
"""Messages that are remembered, so that a remark never follows a result."""


@dataclass(slots=True)
class _Line:
    """One message's progress: what it should say, what it says, and when it may change."""

    text: str = ""
    keyboard: Keyboard = ()
    said: str = ""
    free_at: float = 0.0
    silenced: bool = False
    task: asyncio.Task[None] | None = None


class Remarks:
    """`turn` gives the chat to one speaker at a time; `busy` says that a result is waiting there."""

    def __init__(
        self,
        delivery: Delivery,
        rules: Rules,
        *,
        turn: Callable[[int], AbstractAsyncContextManager[None]],
        busy: Callable[[int], bool],
    ) -> None:
        self._delivery = delivery
        self._rules = rules
        self._turn = turn
        self._busy = busy
        self._lines: OrderedDict[tuple[int, int], _Line] = OrderedDict()

    def hear(self, chat_id: int, message_id: int, text: str, keyboard: Keyboard) -> None:
        """Say it when the message may change again, unless something newer comes first."""
        line = self._line(chat_id, message_id)
        if line.silenced or text == line.said:
            return
        line.text, line.keyboard = text, keyboard
        if line.task is None:
            line.task = asyncio.create_task(self._speak(chat_id, message_id, line))

    def silence(self, chat_id: int, message_id: int) -> None:
        """A result is on its way: nothing more in passing about this message."""
        line = self._line(chat_id, message_id)
        line.silenced = True

    async def stop(self) -> None:
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _speak(self, chat_id: int, message_id: int, line: _Line) -> None:
        clock = asyncio.get_running_loop().time
        try:
            await asyncio.sleep(line.free_at - clock())
            async with self._turn(chat_id):
                if not line.silenced and not self._busy(chat_id):
                    await self._try(chat_id, message_id, line)
        finally:
            line.free_at = clock() + self._spacing(chat_id)
            line.task = None

    async def _try(self, chat_id: int, message_id: int, line: _Line) -> None:
        text = line.text
        try:
            await self._delivery.remark(chat_id, message_id, text, line.keyboard)
        except (BadRequest, Forbidden) as error:
            # The message is gone, or the person is: the result will find out what to do about it.
            line.silenced = not (isinstance(error, BadRequest) and is_not_modified(error))
        except TelegramError:
            return  # dropped; the next one says more anyway
        line.said = text

    def _spacing(self, chat_id: int) -> float:
        is_group = chat_id < 0
        return self._rules.progress_group_seconds if is_group else self._rules.progress_private_seconds

    def _line(self, chat_id: int, message_id: int) -> _Line:
        key = (chat_id, message_id)
        line = self._lines.setdefault(key, _Line())
        self._lines.move_to_end(key)
        while len(self._lines) > MOST_LINES:
            self._lines.popitem(last=False)
        return line
