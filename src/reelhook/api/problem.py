"""Every error as an RFC 9457 problem, the ones that only HTTP knows included."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import ClassVar, Final

import msgspec

from reelhook.errors import FieldError, OverQuota, ReelhookError, StorageFull, Unauthorized, Unavailable

MEDIA_TYPE: Final = "application/problem+json"
QUOTA_TYPE: Final = "https://iana.org/assignments/http-problem-types#quota-exceeded"
"""The registered problem type for 429."""
_SECONDS_WHEN_BUSY: Final = 1
_SECONDS_WHEN_FULL: Final = 5
_OF_THE_INPUT: Final = frozenset({400, 422})
_ENCODER: Final = msgspec.json.Encoder()


class ProblemError(msgspec.Struct):
    """One thing wrong with the input: what, and where as a JSON pointer (RFC 6901)."""

    detail: str
    pointer: str


class Problem(msgspec.Struct):
    """An error (RFC 9457). `type` is stable and may be compared; `detail` is for people and may change."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: tuple[ProblemError, ...] = ()


class Internal(ReelhookError):
    """Something failed on our side."""


class MethodNotAllowed(ReelhookError):
    """The path exists, but not with this method; `allow` names those that it has."""

    status: ClassVar[int] = 405
    slug: ClassVar[str] = "method-not-allowed"
    title: ClassVar[str] = "Method not allowed"

    def __init__(self, detail: str, allow: Sequence[str]) -> None:
        super().__init__(detail)
        self.allow = ", ".join(allow)


class TimedOut(ReelhookError):
    """The request did not arrive in time."""

    status: ClassVar[int] = 408
    slug: ClassVar[str] = "timeout"
    title: ClassVar[str] = "The request took too long"


class UnsupportedMediaType(ReelhookError):
    """The body is said to be something other than plain JSON in UTF-8."""

    status: ClassVar[int] = 415
    slug: ClassVar[str] = "unsupported-media-type"
    title: ClassVar[str] = "Unsupported media type"


class HeadersTooLarge(ReelhookError):
    """The request line and headers are over their limit."""

    status: ClassVar[int] = 431
    slug: ClassVar[str] = "headers-too-large"
    title: ClassVar[str] = "Headers too large"


def problem_body(error: ReelhookError, instance: str) -> bytes:
    """Write the problem; `instance` is the path of the request.

    `type` is a reference relative to this installation, where a page explains it; 429 has a registered type. What is
    wrong with the request as such has an entry in `errors`, where nothing better points at the whole.
    """
    kind = QUOTA_TYPE if isinstance(error, OverQuota) else f"/problems/{error.problem_slug}"
    wrong = error.errors or ((FieldError(error.detail),) if error.status in _OF_THE_INPUT else ())
    errors = tuple(ProblemError(one.detail, one.pointer) for one in wrong)
    problem = Problem(kind, error.title, error.status, error.detail, instance, errors)
    return _ENCODER.encode({**msgspec.structs.asdict(problem), **error.members} if error.members else problem)


def problem_headers(error: ReelhookError) -> list[tuple[str, str]]:
    """Return the headers that go with the error: how to authenticate, when to come back, what is allowed."""
    headers = [("content-type", MEDIA_TYPE)]
    match error:
        case Unauthorized():
            headers.append(("www-authenticate", 'Bearer realm="reelhook"'))
        case OverQuota():
            headers.append(("retry-after", str(max(1, error.retry_after))))
        case Unavailable():
            headers.append(("retry-after", str(_SECONDS_WHEN_BUSY)))
        case StorageFull():
            headers.append(("retry-after", str(_SECONDS_WHEN_FULL)))
        case MethodNotAllowed():
            headers.append(("allow", error.allow))
        case _:
            pass
    return headers


def problem_kinds() -> list[type[ReelhookError]]:
    """Return every kind of problem that there is, by status."""
    found: list[type[ReelhookError]] = []
    waiting: list[type[ReelhookError]] = [ReelhookError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind is not Internal and kind.__module__.startswith("reelhook."):
            found.append(kind)
    return sorted(found, key=lambda kind: (kind.status, kind.slug))


def phrase(status: int) -> str:
    """Return the reason phrase of a status."""
    return HTTPStatus(status).phrase
