"""Every error a user can meet, drawn as one tree.

    OrfeasError
    ├── InvalidInput                      the caller can mend it
    │   ├── InvalidImage                  invalid_image        422
    │   ├── InvalidMesh                   invalid_mesh         422
    │   ├── InvalidPrompt                 invalid_prompt       422
    │   └── InvalidOption                 invalid_option       422
    ├── Refused                           the caller can come back later
    │   ├── DuplicateJob                  duplicate_job        409
    │   ├── ServerBusy                    busy                 503
    │   └── RateLimited                   rate_limited         429
    ├── NotFound                          not_found            404
    ├── EngineUnavailable                 engine_unavailable   503
    ├── OutOfMemory                       out_of_memory        507
    ├── Cancelled                         cancelled            499
    └── InternalError                     internal             500

``str(error)`` is one sentence for the user, without the title. ``error.sentence`` puts the title in front, as the
page's toast and the API show it.
"""

from typing import ClassVar


class OrfeasError(Exception):
    """Root of the tree; never raised itself.

    Attributes:
        code: stable identifier for scripts.
        title: what the page's toast is headed with.
        http_status: status of a plain HTTP answer that carries the error.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    http_status: ClassVar[int]

    @property
    def sentence(self) -> str:
        """``Title: message``, the form every door shows."""
        return f"{self.title}: {self}"


class InvalidInput(OrfeasError):
    """Something the caller sent cannot be used as it is."""

    http_status = 422


class InvalidImage(InvalidInput):
    """Not a picture, damaged, out of bounds, or with nothing in the foreground.

    Attributes:
        option: the parameter that is to blame.
    """

    code = "invalid_image"
    title = "Invalid image"

    def __init__(self, message: str, option: str = "image") -> None:
        super().__init__(message)
        self.option = option


class InvalidMesh(InvalidInput):
    """Unreadable, empty, too large or not finite."""

    code = "invalid_mesh"
    title = "Invalid mesh"


class InvalidPrompt(InvalidInput):
    """Empty, too long, or nothing an engine could draw."""

    code = "invalid_prompt"
    title = "Invalid prompt"


class InvalidOption(InvalidInput):
    """An unknown choice or a value out of range; the message lists what is allowed.

    Attributes:
        option: name of the parameter that is to blame, where there is one.
    """

    code = "invalid_option"
    title = "Invalid option"

    def __init__(self, message: str, option: str = "") -> None:
        super().__init__(message)
        self.option = option


class Refused(OrfeasError):
    """Not now: the request is fine, the moment is not."""


class DuplicateJob(Refused):
    """The session already has a job queued or running."""

    code = "duplicate_job"
    title = "Duplicate job"
    http_status = 409


class ServerBusy(Refused):
    """Too many jobs wait."""

    code = "busy"
    title = "Server busy"
    http_status = 503


class RateLimited(Refused):
    """Over the operator's limit."""

    code = "rate_limited"
    title = "Too many requests"
    http_status = 429


class NotFound(OrfeasError):
    """No such job, or its files have expired."""

    code = "not_found"
    title = "Not found"
    http_status = 404


class EngineUnavailable(OrfeasError):
    """The engine cannot run here; the message says what is missing and what to do.

    Attributes:
        option: the option that names the engine.
    """

    code = "engine_unavailable"
    title = "Engine unavailable"
    http_status = 503

    def __init__(self, message: str, option: str = "engine") -> None:
        super().__init__(message)
        self.option = option


class OutOfMemory(OrfeasError):
    """Device memory ran out even after stepping down."""

    code = "out_of_memory"
    title = "Out of memory"
    http_status = 507


class Cancelled(OrfeasError):
    """Stopped by the user."""

    code = "cancelled"
    title = "Cancelled"
    http_status = 499


class InternalError(OrfeasError):
    """A bug of ours; the message carries an id found in the log, never a path or a traceback."""

    code = "internal"
    title = "Internal error"
    http_status = 500


def error_of(code: str, message: str) -> OrfeasError:
    """The typed error that a job's record names.

    A code that this release does not know, from a history written by another one, is an :class:`InternalError`.
    """
    kinds: tuple[type[OrfeasError], ...] = (
        InvalidImage,
        InvalidMesh,
        InvalidPrompt,
        InvalidOption,
        DuplicateJob,
        ServerBusy,
        RateLimited,
        NotFound,
        EngineUnavailable,
        OutOfMemory,
        Cancelled,
    )
    return next((kind for kind in kinds if kind.code == code), InternalError)(message)
