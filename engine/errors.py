"""The engine's surprises, as one tree; the HTTP border maps each to an RFC 9457 problem and back.

EngineError
├── InvalidRequest        422  the request is not what the schema says
├── PhotoRejected         413 / 415 / 422  the bytes are not a photo that we take
├── Conflict              409  same job id, other content
├── NotFound              404
├── Unauthorized          401
├── QuotaExceeded         429  this requester has enough waiting; `retry_after_seconds`
├── Suspended             429  an operator suspended this requester; `retry_after_seconds`
├── TooManyRefusals       429  this requester was refused several times in a row: a pause
├── Busy                  503  the engine takes nothing right now; `retry_after_seconds`
├── CheckFailed           503  a gate crashed or timed out: not now, nothing charged
├── EngineUnavailable     raised by the client only: no answer
├── ConfigError           the configuration cannot be used; the message says what to change
└── Fault                 a job could not be done
    ├── WorkerDied        its worker process ended under it
    ├── WorkerHung        no progress within the deadline; it was killed
    └── RenderFailed      the renderer raised
"""

from __future__ import annotations

from typing import ClassVar

from engine.schema import FailureCause, PhotoProblem


class EngineError(Exception):
    """Anything that the engine raises on purpose. `slug` names it in problem documents."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"


class InvalidRequest(EngineError):
    """The request is not what the schema says."""

    status = 422
    slug = "invalid-request"


class PhotoRejected(EngineError):
    """The bytes are not a photo that we take; `problem` says why."""

    slug = "photo-rejected"

    def __init__(self, problem: PhotoProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem

    @property
    def http_status(self) -> int:
        match self.problem:
            case PhotoProblem.TOO_MANY_BYTES | PhotoProblem.TOO_MANY_PIXELS:
                return 413
            case PhotoProblem.NOT_AN_IMAGE | PhotoProblem.UNSUPPORTED_FORMAT:
                return 415
            case _:
                return 422


class Conflict(EngineError):
    """The job id is known with other content."""

    status = 409
    slug = "conflict"


class NotFound(EngineError):
    """There is no such job, clip or route."""

    status = 404
    slug = "not-found"


class Unauthorized(EngineError):
    """The bearer token is missing or wrong."""

    status = 401
    slug = "unauthorized"


class RetryLater(EngineError):
    """Not now; try again after `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__(f"retry after {retry_after_seconds:.0f} s")
        self.retry_after_seconds = retry_after_seconds


class QuotaExceeded(RetryLater):
    """This requester has as many jobs waiting as one may have."""

    status = 429
    slug = "quota-exceeded"


class GroupQuotaExceeded(QuotaExceeded):
    """This group has as many jobs waiting as one may have."""

    slug = "group-quota-exceeded"


class DayQuotaExceeded(QuotaExceeded):
    """This requester had as many jobs in the last 24 hours as one may have."""

    slug = "day-quota-exceeded"


class Suspended(QuotaExceeded):
    """An operator suspended this requester."""

    slug = "suspended"


class TooManyRefusals(QuotaExceeded):
    """This requester was refused several times within minutes."""

    slug = "too-many-refusals"


class Busy(RetryLater):
    """The engine takes no job right now: the queue or the disk is full, or it is stopping."""

    status = 503
    slug = "busy"


class CheckFailed(RetryLater):
    """A gate crashed or timed out. An unknown is never a yes, and nothing is charged."""

    status = 503
    slug = "check-failed"


class EngineUnavailable(EngineError):
    """The engine did not answer; raised by the client only."""


class ConfigError(EngineError):
    """The configuration cannot be used; the message says what to change."""


class Fault(EngineError):
    """A job could not be done; `cause` goes into the outcome when it is final."""

    cause: ClassVar[FailureCause] = FailureCause.RENDERING


class WorkerDied(Fault):
    """The worker process ended under the job."""

    cause = FailureCause.WORKER_DIED


class MachineLost(WorkerDied):
    """The machine, or the way to it, went away under the job: nothing speaks against the job."""


class WorkerHung(Fault):
    """The worker made no progress within its deadline and was killed."""

    cause = FailureCause.TIMED_OUT


class RenderFailed(Fault):
    """The renderer raised; the worker lives on."""

    cause = FailureCause.RENDERING


class PoorClip(RenderFailed):
    """The renderer made a clip that is not worth showing: frozen, noise, flickering, or another picture."""

    cause = FailureCause.POOR_CLIP


class ClipCheckFailed(Fault):
    """The gates over the finished clip crashed or timed out."""

    cause = FailureCause.CHECKING


class SigningFailed(Fault):
    """The credentials could not be made or did not verify."""

    cause = FailureCause.SIGNING


class RenderCanceled(EngineError):
    """The job was canceled while it ran; not a fault."""
