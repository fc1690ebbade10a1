"""What the engine and its Ray driver say to each other: orders with their photos out, clips back, by the number of an order."""

from __future__ import annotations

import msgspec

from engine.fleet import Canceled, Decoding, Done, Drawing, Encoding, Failed, RenderOrder, WorkerSettings


class Join(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="join"):
    """The first thing that the driver hears. `module` has `prepare(settings)`, as `engine.fleet.worker` does."""

    address: str
    settings: WorkerSettings
    workers: int
    gpus: float
    module: str


class Joined(msgspec.Struct, frozen=True, tag_field="type", tag="joined"):
    """The driver is a member of the cluster."""


class Sent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="sent"):
    """An order for the worker in `slot`. `number` is of this sending and no other."""

    number: int
    slot: int
    order: RenderOrder
    photo: bytes


class Stop(msgspec.Struct, frozen=True, tag_field="type", tag="stop"):
    """Stop this order before its next frame."""

    number: int


class Drop(msgspec.Struct, frozen=True, tag_field="type", tag="drop"):
    """Nobody waits for this order any more, or it hangs: its worker is killed."""

    number: int


class Idle(msgspec.Struct, frozen=True, tag_field="type", tag="idle"):
    """The worker in this slot is warm and has nothing to do."""

    slot: int


class Away(msgspec.Struct, frozen=True, tag_field="type", tag="away"):
    """The worker in this slot is gone; another one is looked for. `sentence` says why, where an operator can mend it."""

    slot: int
    sentence: str = ""


class Lost(msgspec.Struct, frozen=True, tag_field="type", tag="lost"):
    """The worker ended under the order; `machine`: and it was not the order's doing."""

    machine: bool


class Word(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="word"):
    """A message of the worker that has this order; `content` is the clip of `Done`."""

    number: int
    message: Drawing | Decoding | Encoding | Done | Failed | Canceled | Lost
    content: bytes = b""


ToDriver = Sent | Stop | Drop
FromDriver = Idle | Away | Word
