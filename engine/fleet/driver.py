"""The Ray driver, in a child of its own: Ray ends a driver that lost its head, and must not end the engine.

Ray places, starts, reports and carries; it decides nothing. No actor is restarted and no call repeated by Ray
(`max_restarts=0`, `max_task_retries=0`): an error may be raised although the call succeeded, so that only the
ledger, which fences every attempt, can decide.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

from engine.children import Link
from engine.children.wire import message_in, packed
from engine.fleet import FromWorker, Ready, Unusable
from engine.fleet.actor import RenderActor
from engine.fleet.cluster_words import Away, Drop, Idle, Join, Joined, Lost, Sent, Stop, ToDriver, Word

RESOURCE = "zoetrope"
"""What a machine of the cluster has as many of as workers fit on it (`engine.fleet.node`)."""

_AFTER_JOBS = 50
_AGAIN_SECONDS = 0.2
_UNUSABLE_SECONDS = 30.0


def main(link: Link) -> None:
    """Join the cluster, then keep a worker in every slot until the engine hangs up."""
    join: Join = link.receive(Join)
    import ray

    host = join.address.rpartition(":")[0]
    ray.init(address=join.address, _node_ip_address=host, log_to_driver=False, logging_level="ERROR")
    link.send(Joined())
    asyncio.run(_drive(join, link))


async def _drive(join: Join, link: Link) -> None:
    slots = [_Slot(number, join, link) for number in range(join.workers)]
    keeping = [asyncio.create_task(slot.keep()) for slot in slots]
    listening = asyncio.create_task(_listen(slots, link))
    await asyncio.wait([*keeping, listening], return_when=asyncio.FIRST_COMPLETED)
    os._exit(1)  # none of them ends by itself


async def _listen(slots: list[_Slot], link: Link) -> None:
    while True:
        try:
            message: ToDriver = await asyncio.to_thread(link.receive, ToDriver)
        except BaseException:  # noqa: BLE001  # the engine hung up: Ray ends the actors of a driver that is gone
            os._exit(0)
        match message:
            case Sent():
                slots[message.slot].orders.put_nowait(message)
            case Stop(number) | Drop(number):
                for slot in slots:
                    if slot.number == number:
                        slot.end(at_once=isinstance(message, Drop))


class _Slot:
    """One place for a worker: an actor on whichever machine has room, and another one when it is gone."""

    def __init__(self, place: int, join: Join, link: Link) -> None:
        self.orders: asyncio.Queue[Sent] = asyncio.Queue()
        self.number: int | None = None
        self._place = place
        self._join = join
        self._link = link
        self._actor: Any = None

    async def keep(self) -> None:
        import ray

        while True:
            sentence, pause = "", _AGAIN_SECONDS
            try:
                sentence = await self._serve()
            except ray.exceptions.RayError:
                pass  # told by `_render` where there was an order
            finally:
                with contextlib.suppress(Exception):
                    ray.kill(self._actor)
            await self._say(Away(self._place, sentence))
            self._give_back_orders()
            await asyncio.sleep(_UNUSABLE_SECONDS if sentence else pause)

    def end(self, *, at_once: bool) -> None:
        import ray

        if at_once:
            ray.kill(self._actor)
        else:
            self._actor.stop.remote(self.number)

    async def _serve(self) -> str:
        """Until the actor is gone or used up; what an operator has to mend, where it cannot be used."""
        self._actor = _actor(self._join.gpus)
        settings = packed(self._join.settings)
        ready: Ready | Unusable = message_in(
            await self._actor.warm_up.remote(settings, self._join.module), Ready | Unusable
        )
        if isinstance(ready, Unusable):
            return ready.sentence
        watch = asyncio.ensure_future(self._actor.watch.remote())
        try:
            for _ in range(_AFTER_JOBS):
                await self._say(Idle(self._place))
                taking = asyncio.ensure_future(self.orders.get())
                await asyncio.wait([taking, watch], return_when=asyncio.FIRST_COMPLETED)
                if not taking.done():
                    taking.cancel()
                    await watch  # raises what ended the actor
                if not await self._render(taking.result()):
                    break
        finally:
            watch.cancel()
        return ""

    async def _render(self, sent: Sent) -> bool:
        """False where the worker must not be used again."""
        import ray

        self.number = sent.number
        try:
            ends = self._actor.render.remote(sent.number, packed(sent.order), sent.photo)
            message: FromWorker | None = None
            async for reference in ends:
                told, content = await reference
                message = message_in(told, FromWorker)
                await self._say(Word(number=sent.number, message=message, content=content))
            return not getattr(message, "poisoned", False)
        except ray.exceptions.RayError as error:
            await self._say(Word(number=sent.number, message=Lost(machine=_is_of_the_machine(error))))
            raise
        finally:
            self.number = None

    def _give_back_orders(self) -> None:
        """What was sent to a worker that was gone already."""
        while not self.orders.empty():
            sent = self.orders.get_nowait()
            self._link.send(Word(number=sent.number, message=Lost(machine=True)))

    async def _say(self, message: Any) -> None:
        await asyncio.to_thread(self._link.send, message)


def _actor(gpus: float) -> Any:
    import ray

    make = ray.remote(
        num_cpus=0,
        num_gpus=gpus,
        resources={RESOURCE: 1},
        max_restarts=0,
        max_task_retries=0,
        concurrency_groups={"gpu": 1, "control": 2, "watch": 1},
    )(_methods(ray.method))
    return make.remote()


def _methods(method: Any) -> type:
    """The actor with its methods in groups, so that a stop gets through while a clip is made."""

    class Actor(RenderActor):
        watch = method(concurrency_group="watch")(RenderActor.watch)
        stop = method(concurrency_group="control")(RenderActor.stop)
        process = method(concurrency_group="control")(RenderActor.process)
        warm_up = method(concurrency_group="gpu")(RenderActor.warm_up)
        render = method(concurrency_group="gpu", num_returns="streaming")(RenderActor.render)

    return Actor


def _is_of_the_machine(error: Exception) -> bool:
    """Ray says of a process that died by itself, and of a node that went away, the same class of error."""
    import ray

    return not isinstance(error, ray.exceptions.ActorDiedError) or "node has died" in str(error)
