"""The errors that a caller can see, named by what went wrong, each with its HTTP status.

The API writes them as RFC 9457 problems, the command line as one line. A message names what was wrong and what to
do; it never holds a secret. Foreign exceptions are mapped to these once, at the edge where they appear.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, NamedTuple

_NO_MEMBERS: Final[Mapping[str, Any]] = MappingProxyType({})


class FieldError(NamedTuple):
    """One thing wrong with the input: what, and where as a JSON pointer (RFC 6901)."""

    detail: str
    pointer: str = ""


class ReelhookError(Exception):
    """An error meant for the caller; `detail` is one sentence that says what was wrong and what to do.

    `members` are further members of the problem document (RFC 9457 §3.2), values that JSON has a form for.
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str,
        *,
        errors: tuple[FieldError, ...] = (),
        slug: str | None = None,
        members: Mapping[str, Any] = _NO_MEMBERS,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.problem_slug = slug or self.slug
        self.members = members


class Malformed(ReelhookError):
    """The request cannot be read: not JSON, not UTF-8, a broken header."""

    status = 400
    slug = "malformed"
    title = "Malformed request"


class Unauthorized(ReelhookError):
    """No token, or one that is unknown or expired."""

    status = 401
    slug = "unauthorized"
    title = "Authentication required"


class Forbidden(ReelhookError):
    """The token is good, but its role or scopes do not allow this."""

    status = 403
    slug = "forbidden"
    title = "Not allowed"


class NotFound(ReelhookError):
    """It does not exist, or it belongs to another app, which is the same to the caller."""

    status = 404
    slug = "not-found"
    title = "Not found"


class Conflict(ReelhookError):
    """The thing is in a state that does not allow this, or it exists already with other content."""

    status = 409
    slug = "conflict"
    title = "Conflict with the current state"


class PreconditionFailed(ReelhookError):
    """`If-Match` named a version that is no longer the current one."""

    status = 412
    slug = "precondition-failed"
    title = "Changed by somebody else"


class TooLarge(ReelhookError):
    """A body over the size limit."""

    status = 413
    slug = "too-large"
    title = "Too large"


class Invalid(ReelhookError):
    """The request can be read but its content is not valid; `errors` says where."""

    status = 422
    slug = "invalid"
    title = "Invalid content"


class NotExpressible(Invalid):
    """The endpoint's dialect has no word for this event, so it cannot be sent there."""

    slug = "not-expressible"
    title = "Not expressible in this dialect"


class ConnectionTestFailed(Invalid):
    """The receiver must answer 2xx to a test before this is saved, and did not; `test` tells all of it."""

    slug = "connection-test-failed"
    title = "Connection test failed"


class KeyReused(Invalid):
    """The `Idempotency-Key` was used before with another body; a new request needs a new key."""

    slug = "idempotency-key-reused"
    title = "Idempotency-Key used before"


class OverLimit(Invalid):
    """A number of things that may exist is used up; the detail names the limit."""

    slug = "over-limit"
    title = "Over a limit"


class OverQuota(ReelhookError):
    """Too many requests; `retry_after` says in how many seconds to come back."""

    status = 429
    slug = "over-quota"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(ReelhookError):
    """The store cannot take this now (busy, stopping, unreachable); nothing was accepted; try again."""

    status = 503
    slug = "unavailable"
    title = "Temporarily unavailable"


class Stale(Unavailable):
    """What was looked up before is not what holds now: another node changed it; nothing was stored; look again."""


class StoreBusy(Unavailable):
    """The database cannot be used at this moment (locked by another program, or out of reach); nothing was stored; try
    again.
    """


class OutcomeUnknown(StoreBusy):
    """PostgreSQL was lost in a commit: what was asked for may have been stored, which nobody can tell; send the same
    again, with the same `Idempotency-Key` or `id`, and it happens once.
    """


class WrongKey(Unavailable):
    """The master key is missing, of no use, or not the one that the database was sealed with; nothing can be opened
    until the setting, or the key file, is put right.
    """


class StorageFull(ReelhookError):
    """The disk is full; nothing was accepted; it works again when space is freed."""

    status = 507
    slug = "storage-full"
    title = "No space left"
