"""Lets every gate speak about one photo and caption, in the children that ask them for real: for people who write rules."""

from __future__ import annotations

import asyncio
from uuid import UUID

import msgspec

from engine.config import EngineConfig
from engine.errors import CheckFailed, ConfigError, PhotoRejected
from engine.schema import MAX_PROMPT_CHARACTERS, JobRequest, Profile
from engine.screening import Screening
from engine.verdicts import Allowed, Decision, Screened, Verdict

NOBODY = "explained"
"""Whose request it is: nothing of it is kept."""


def explain(loaded: EngineConfig, data: bytes, caption: str, *, locale: str, strict: bool = False) -> str:
    """A line for each gate and one for all. Raises ConfigError where the gates, the photo or the caption can't be used."""
    if len(caption) > MAX_PROMPT_CHARACTERS:
        raise ConfigError(f"a caption has at most {MAX_PROMPT_CHARACTERS} characters")
    request = JobRequest(
        job_id=str(UUID(int=0)),
        prompt=caption,
        locale=locale,
        requester=NOBODY,
        reply_to=NOBODY,
        profile=Profile.STRICT if strict else Profile.STANDARD,
    )
    return say(asyncio.run(_ask(loaded, data, request)))


def say(screened: Screened) -> str:
    """Place, gate, verdict, reason, score and time; then the strictest, which counts, and what was seen."""
    facts = msgspec.to_builtins(screened.facts)
    facts |= {"faces": len(screened.facts.faces), "nsfw": round(screened.facts.nsfw, 3)}
    seen = {name: value for name, value in facts.items() if value}
    return "\n".join(
        [
            f"{'place':<8}{'gate':<24}{'verdict':<32}{'score':>6}{'ms':>8}",
            *(_line(decision) for decision in screened.decisions),
            f"in all: {_name(screened.verdict)}",
            "seen: " + ", ".join(f"{name} {value}" for name, value in seen.items()),
        ]
    )


async def _ask(loaded: EngineConfig, data: bytes, request: JobRequest) -> Screened:
    screening = Screening(
        models=loaded.models,
        policy=loaded.policy,
        environment=loaded.environment,
        check_seconds=loaded.limits.check_seconds,
    )
    try:
        async with screening:
            return await screening.explain(request, await screening.read_photo(data))
    except PhotoRejected as error:
        raise ConfigError(f"the photo cannot be used: {error.problem.value}") from error
    except CheckFailed as error:
        raise ConfigError("the gates gave no answer; the log says why") from error


def _line(decision: Decision) -> str:
    head = f"{decision.stage.value:<8}{decision.gate:<24}{_name(decision.verdict):<32}"
    return f"{head}{decision.score:>6.2f}{decision.milliseconds:>8.1f}"


def _name(verdict: Verdict) -> str:
    kind = str(verdict.__struct_config__.tag)
    return kind if isinstance(verdict, Allowed) else f"{kind}: {verdict.reason.value}"
