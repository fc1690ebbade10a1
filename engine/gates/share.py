"""The last gate, before a group sees a clip: facts only, no model."""

from __future__ import annotations

import msgspec

from engine.gates import ALLOWED, Ruling
from engine.schema import Reason
from engine.verdicts import Refusal

GATE = "share.facts"


class ShareFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when a maker shares a clip into a group.

    `expected_sha256` is of the file that was checked and signed, `actual_sha256` of the file on disk now.
    `policy_version` is the one under which the clip was last checked. `attested`: the people shown agree.
    `suspended`: an operator keeps the maker from sharing. `opted_in`: the group takes shared clips. `fits_group`: the
    clip's request was allowed under the group's profile too.
    """

    expected_sha256: str
    actual_sha256: str
    owner: str
    requester: str
    policy_version: str
    labelled: bool
    signed: bool
    reported: bool = False
    shows_people: bool = False
    attested: bool = False
    suspended: bool = False
    opted_in: bool = False
    fits_group: bool = False


def refuse_share(facts: ShareFacts, *, policy_version: str) -> Ruling:
    """The first fact that speaks against it. An older policy's clip must be checked again before it is shared."""
    reason = _first_reason(facts, policy_version)
    return ALLOWED if reason is None else Ruling(Refusal(reason=reason, gate=GATE), 1.0)


def _first_reason(facts: ShareFacts, policy_version: str) -> Reason | None:
    if facts.owner != facts.requester:
        return Reason.NOT_YOURS
    if facts.suspended:
        return Reason.SUSPENDED
    if facts.reported:
        return Reason.REPORTED
    if facts.actual_sha256 != facts.expected_sha256 or not (facts.labelled and facts.signed):
        return Reason.CLIP_CHANGED
    if facts.policy_version != policy_version:
        return Reason.CLIP_CHANGED
    if not facts.opted_in:
        return Reason.GROUP_CLOSED
    if not facts.fits_group:
        return Reason.GROUP_STRICT
    if facts.shows_people and not facts.attested:
        return Reason.NOT_ATTESTED
    return None
