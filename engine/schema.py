"""The words that cross the engine's border: requests, views and outcomes as frozen, strict types.

Everything here is plain data. The bot and the handlers import this module; it imports nothing of ours.
Times are seconds unless the name says otherwise; hashes are lower-case hex.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

MAX_PROMPT_CHARACTERS = 1024
"""Telegram's caption limit for most people; the prompt gate is linear in this."""

MAX_PHOTO_BYTES = 20_000_000

MAX_VERIFY_BYTES = 20_000_000
"""Of a file that somebody asks about: what Telegram hands out to bots, and more than any clip of ours."""
"""Telegram's `getFile` limit is 20 MB; nothing larger can reach us through it."""

JobId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
OpaqueKey = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-zA-Z_-]{8,128}$")]


class JobStatus(StrEnum):
    """What a job is: `queued → running → (held →) animated | refused | failed | canceled`."""

    QUEUED = "queued"
    RUNNING = "running"
    HELD = "held"
    ANIMATED = "animated"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELED = "canceled"


class Stage(StrEnum):
    """The four places where gates stand."""

    PROMPT = "prompt"
    PHOTO = "photo"
    CLIP = "clip"
    SHARE = "share"


class Reason(StrEnum):
    """Why a request is refused. Stable: ledger, metrics, texts and `docs/policy.md` use these values.

    The comment is the rule's code in the policy.
    """

    SEXUAL_MINOR = "sexual_minor"  # C0
    SEXUAL = "sexual"  # S1
    INTIMACY = "intimacy"  # S2
    MINOR_SAFETY = "minor_safety"  # M1
    VIOLENCE = "violence"  # V1
    WEAPON = "weapon"  # V2
    HATE = "hate"  # H1
    SELF_HARM = "self_harm"  # D1
    DANGEROUS_ACT = "dangerous_act"  # D2
    DEFAMATION = "defamation"  # R1
    HUMILIATION = "humiliation"  # R2
    PUT_WORDS = "put_words"  # R3: words in somebody's mouth
    PUBLIC_FIGURE = "public_figure"  # P1
    FAKE_NEWS = "fake_news"  # P2
    FRAUD = "fraud"  # F1
    PRIVATE_DATA = "private_data"  # K1
    KNOWN_PICTURE = "known_picture"  # B1: on the operator's list
    FLASHING = "flashing"  # I1
    UNKNOWN_FACE = "unknown_face"  # N1: a face that the photo does not have
    UNCLEAR_PROMPT = "unclear_prompt"  # U1: could not be understood; motions are offered instead
    SPELLED_OUT = "spelled_out"  # U2: written letter by letter
    CLIP_CHANGED = "clip_changed"  # X1: the file is not the one that was checked
    REPORTED = "reported"  # X2: hidden after a report until an operator decides
    NOT_YOURS = "not_yours"  # X3: somebody else's clip
    NOT_ATTESTED = "not_attested"  # X4: the clip shows people and the maker has not said that they agree
    KEPT_OUT = "kept_out"  # X5: somebody shown asked to be kept out of what is shared
    SUSPENDED = "suspended"  # X6: the maker may not share for now
    GROUP_CLOSED = "group_closed"  # X7: the group has not opted in
    GROUP_STRICT = "group_strict"  # X8: the group's stricter rules do not allow it


class Profile(StrEnum):
    """How strict the rules are: for everybody, or for a group that wants it calmer."""

    STANDARD = "standard"
    STRICT = "strict"


class PhotoProblem(StrEnum):
    """Why bytes are not a photo that we can take. Not a policy matter; never charged."""

    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    TOO_NARROW = "too_narrow"
    BROKEN = "broken"
    TOO_COMPLEX = "too_complex"


class FailureCause(StrEnum):
    """What went wrong on our side, in the detail that a person needs."""

    WORKER_DIED = "worker_died"
    TIMED_OUT = "timed_out"
    RENDERING = "rendering"
    POOR_CLIP = "poor_clip"
    CHECKING = "checking"
    SIGNING = "signing"


class Step(StrEnum):
    """What a running job is doing now."""

    WAITING = "waiting"
    LOADING = "loading"
    RENDERING = "rendering"
    DECODING = "decoding"
    ENCODING = "encoding"
    CHECKING = "checking"
    SIGNING = "signing"


class JobRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the bot sends with the photo.

    `requester` and `group` are keyed hashes made by the bot; `reply_to` is a random key into the bot's own
    table, stored and returned unread. `look` names a preset motion and replaces the prompt where it is given.
    `attested` is true when the sender said that the people shown agree. `repeat` names an earlier job of the same
    requester whose prompt and look shall count instead: the bot does not keep them. `profile` is the group's; the engine's
    own may be stricter.
    """

    job_id: JobId
    prompt: Annotated[str, msgspec.Meta(max_length=MAX_PROMPT_CHARACTERS)]
    locale: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
    requester: OpaqueKey
    reply_to: OpaqueKey
    group: OpaqueKey | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] | None = None
    look: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,32}$")] | None = None
    attested: bool = False
    repeat: JobId | None = None
    profile: Profile = Profile.STANDARD


class Animated(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="animated"):
    """A signed clip is ready.

    `moved` and `not_found` hold effect codes (`snow`, `push_in`, …); `not_possible` quotes the words of the
    prompt that this renderer cannot follow. `label` is the text burnt into the clip. `sounds` names the ambience that
    was made (`rain`, …); a clip may have a sound that nobody can name. `suggestions` are looks that suit the photo, where
    the prompt asked for nothing.
    """

    job_id: JobId
    reply_to: OpaqueKey
    clip_sha256: str
    size_bytes: int
    width: int
    height: int
    duration_seconds: float
    renderer: str
    label: str
    digital_source_type: str
    moved: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    not_possible: tuple[str, ...] = ()
    shows_people: bool = False
    has_sound: bool = False
    sounds: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="refused"):
    """A rule says no. `presets` are motions that would work instead; empty where none would."""

    job_id: JobId
    reply_to: OpaqueKey
    stage: Stage
    reason: Reason
    presets: tuple[str, ...] = ()


class Restricted(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="restricted"):
    """No refusal, but only these preset motions are on offer for this photo and prompt."""

    job_id: JobId
    reply_to: OpaqueKey
    stage: Stage
    reason: Reason
    presets: tuple[str, ...]


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="failed"):
    """We could not make the clip; nothing was charged."""

    job_id: JobId
    reply_to: OpaqueKey
    cause: FailureCause


class Canceled(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="canceled"):
    """The requester canceled the job."""

    job_id: JobId
    reply_to: OpaqueKey


Outcome = Animated | Refused | Restricted | Failed | Canceled


class JobView(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="job"):
    """A job as its requester may see it.

    `place` counts from 1 while queued; `expected_seconds` is the time left until the clip; `fraction` is 0..1
    of the clip's making. While a model draws, it is at pass `pass_number` of `passes`, both 0 elsewhere. `outcome` is set
    once the job ended.
    """

    job_id: JobId
    status: JobStatus
    place: int | None = None
    expected_seconds: float | None = None
    step: Step = Step.WAITING
    fraction: float = 0.0
    pass_number: int = 0
    passes: int = 0
    outcome: Outcome | None = None


Answer = JobView | Refused | Restricted
"""What `PUT /jobs/{id}` answers: 202 `JobView`, 200 `Refused` or `Restricted`."""


class SequencedOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the feed. `sequence` only grows; pass the last one as `after`."""

    sequence: int
    outcome: Outcome


class OutcomePage(msgspec.Struct, frozen=True, kw_only=True):
    """Outcomes after the cursor, in order; empty when the wait ended without one."""

    outcomes: tuple[SequencedOutcome, ...] = ()


class ShareRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The maker asks to show a clip to a group. `attested`: the people shown agree.

    `opted_in` and `profile` are the group's settings, which the bot keeps.
    """

    requester: OpaqueKey
    group: OpaqueKey
    attested: bool = False
    opted_in: bool = False
    profile: Profile = Profile.STANDARD


class ShareAllowed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="share_allowed"):
    """The last gate said yes, for exactly this file."""

    job_id: JobId
    clip_sha256: str


ShareAnswer = ShareAllowed | Refused


class ReportRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody reports a clip."""

    reporter: OpaqueKey
    group: OpaqueKey | None = None


class OperatorDecision(StrEnum):
    """What an operator says of a clip that was reported or removed."""

    KEEP = "keep"
    REMOVE = "remove"
    RESTORE = "restore"


class DecisionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`operator` is the keyed hash of the person who decides; `reason` is the rule that a removed clip breaks."""

    decision: OperatorDecision
    operator: OpaqueKey
    reason: Reason | None = None


class AppealRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The maker wants a person to look at a refusal or a removal."""

    requester: OpaqueKey


class SuspensionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For so many hours; None is without an end, 0 lifts it."""

    hours: Annotated[float, msgspec.Meta(ge=0)] | None


class PauseRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """While it is on, requests are taken in and nothing is made."""

    on: bool


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers for a transparency report: requests, how they ended, refusals by reason, reports, appeals, decisions."""

    requests: int
    outcomes: dict[str, int]
    refusals: dict[str, int]
    restricted: int
    reports: int
    appeals: int
    decisions: dict[str, int]
    median_hours_to_decide: float | None = None


class RequesterView(msgspec.Struct, frozen=True, kw_only=True):
    """A requester's own jobs that have not ended, and what is stored about them."""

    jobs: tuple[JobView, ...] = ()
    stored_jobs: int = 0
    stored_clips: int = 0


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long a clip, the words of a request, and that there was one, are kept. Photos go when their job ends."""

    clip_seconds: float = 0.0
    prompt_seconds: float = 0.0
    id_seconds: float = 0.0


class EngineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The engine in figures that anybody may see."""

    ready: bool
    queued: int
    running: int
    workers: int
    renderer: str
    typical_seconds: float
    accepting: bool
    version: str
    leaf_days_left: float
    """Days until the signing certificate ends; then no clip can be finished."""
    switched_off: tuple[str, ...] = ()
    retention: Retention = Retention()
    paused: bool = False
    """An operator stopped the work: requests are taken in, and wait."""


class Layer(StrEnum):
    """Which layer of provenance answered a verification."""

    CREDENTIALS = "credentials"
    WATERMARK = "watermark"
    FINGERPRINT = "fingerprint"
    NONE = "none"


class Finding(StrEnum):
    """What a verification came to; for each there is a sentence of the bot's."""

    MADE_HERE = "made_here"
    CHANGED = "changed"
    EXPIRED = "expired"
    OTHER_ISSUER = "other_issuer"
    NO_CREDENTIALS = "no_credentials"
    UNREADABLE = "unreadable"
    WATERMARKED = "watermarked"
    WATERMARK_ONLY = "watermark_only"
    LOOKS_LIKE = "looks_like"


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a file, and nothing more.

    `made_here` is true only where our own trust anchor or registry says so; `intact` is false when the file
    was changed after signing.
    """

    layer: Layer
    made_here: bool
    intact: bool
    detail: Finding
    made_at: str | None = None
    renderer: str | None = None
    digital_source_type: str | None = None
