"""`/admin/*`: what operators decide. Whoever may call the engine at all may call these; the bot knows who is an operator."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from engine import logs
from engine.api.answers import as_json
from engine.api.bodies import JOB_ID, OPAQUE, json_body, seconds
from engine.schema import DecisionRequest, OperatorDecision, PauseRequest, SuspensionRequest

if TYPE_CHECKING:
    from engine.dispatcher import Dispatcher

MOST_DAYS = 3660.0

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class OperatorRoutes:
    """Each decision is in the ledger before it is answered, and in the log without a name."""

    dispatcher: Dispatcher

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"/admin/jobs/{{job_id:{JOB_ID}}}/decision", self.post_decision),
            web.post(f"/admin/requesters/{{requester:{OPAQUE}}}/suspension", self.post_suspension),
            web.post("/admin/pause", self.post_pause),
            web.get("/admin/figures", self.get_figures),
        ]

    async def post_decision(self, request: web.Request) -> web.StreamResponse:
        """Keep, remove or restore. A removed clip is neither given out nor shared; its file waits for an appeal."""
        decision = await json_body(request, DecisionRequest)
        job_id = request.match_info["job_id"]
        await self.dispatcher.ledger.write(lambda verbs: verbs.decide(job_id, decision))
        if decision.decision is OperatorDecision.REMOVE:
            self.dispatcher.metrics.removals.inc()
        log.warning("operator decided", job_id=job_id, decision=decision.decision.value)
        return web.Response(status=204)

    async def post_suspension(self, request: web.Request) -> web.StreamResponse:
        asked = await json_body(request, SuspensionRequest)
        requester, hours = request.match_info["requester"], asked.hours
        if hours == 0:
            await self.dispatcher.ledger.write(lambda verbs: verbs.lift(requester))
        else:
            until = None if hours is None else int((time.time() + hours * 3600) * 1000)
            await self.dispatcher.ledger.write(lambda verbs: verbs.suspend(requester, until_ms=until))
        log.warning("suspension", hours=hours)
        return web.Response(status=204)

    async def post_pause(self, request: web.Request) -> web.StreamResponse:
        """What runs is finished; what waits goes on waiting."""
        asked = await json_body(request, PauseRequest)
        await self.dispatcher.ledger.write(lambda verbs: verbs.pause(on=asked.on))
        self.dispatcher.work_to_do.ring()
        log.warning("paused" if asked.on else "resumed")
        return web.Response(status=204)

    async def get_figures(self, request: web.Request) -> web.StreamResponse:
        return as_json(self.dispatcher.ledger.figures(days=seconds(request, "days", most=MOST_DAYS)))
