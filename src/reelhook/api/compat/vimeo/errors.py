"""Errors as Vimeo writes them: `{error, link, developer_message, error_code, invalid_parameters?}`."""

from collections.abc import Sequence
from typing import Final

import msgspec

from reelhook.api.manner import Refusal
from reelhook.api.problem import UnsupportedMediaType, problem_headers
from reelhook.errors import FieldError, Invalid, Malformed, ReelhookError, TooLarge, Unauthorized

MEDIA_TYPE: Final = "application/vnd.vimeo.error+json"
_PARAMETER: Final = 2204
_BODY: Final = 2205
_UNDOCUMENTED: Final = 1000
"""What Vimeo documents no code for has this and the status."""
_CODES: Final = {401: 8002, 403: 3200, 404: 5000, 429: 9000}
_STATUSES: Final = {415: 400, 422: 400}
_ENCODER: Final = msgspec.json.Encoder()


class VimeoInvalidParameter(msgspec.Struct):
    """One parameter that cannot be taken."""

    field: str
    error: str
    error_code: int
    developer_message: str


class VimeoError(msgspec.Struct, omit_defaults=True):
    """An error. `error` is the same for all errors of one code; `developer_message` says what was wrong."""

    error: str
    link: str | None
    developer_message: str
    error_code: int
    invalid_parameters: tuple[VimeoInvalidParameter, ...] = ()


_PHRASES: Final = {
    _PARAMETER: "You have provided an invalid parameter.",
    _BODY: "The body of the request is missing or malformed.",
    3200: "Your access token does not allow this.",
    5000: "The requested resource couldn't be found.",
    8002: "You must provide a valid authenticated access token.",
    9000: "Too many API requests.",
}


def status_of(status: int) -> int:
    """Return which status Vimeo answers where we answer this one."""
    return _STATUSES.get(status, status)


def refuse(error: ReelhookError) -> Refusal:
    """Write an error."""
    code = code_of(error)
    wrong = error.errors if code == _PARAMETER else ()
    body = VimeoError(
        error=_PHRASES.get(code, f"{error.title}."),
        link=None,
        developer_message=_summary(wrong) if wrong else error.detail,
        error_code=code,
        invalid_parameters=tuple(
            VimeoInvalidParameter(_field(one.pointer), _clause(one), code, f"{_field(one.pointer)}: {one.detail}")
            for one in wrong
        ),
    )
    return Refusal(status_of(error.status), _headers(error), _ENCODER.encode(body))


def code_of(error: ReelhookError) -> int:
    """Return Vimeo's number for an error."""
    whole = type(error) is Invalid and not any(one.pointer for one in error.errors)
    if whole or isinstance(error, Malformed | UnsupportedMediaType | TooLarge):
        return _BODY
    if isinstance(error, Invalid):
        return _PARAMETER
    return _CODES.get(error.status, _UNDOCUMENTED + error.status)


def _headers(error: ReelhookError) -> list[tuple[str, str]]:
    headers = dict(problem_headers(error)) | {"content-type": MEDIA_TYPE}
    if isinstance(error, Unauthorized):
        headers["www-authenticate"] = 'Bearer error="invalid_token"'
    return list(headers.items())


def _summary(wrong: Sequence[FieldError]) -> str:
    """Say what is wrong in one line; what can be done stands with each parameter."""
    return "; ".join(f"{_field(one.pointer)}: {_clause(one)}" for one in wrong)


def _clause(one: FieldError) -> str:
    """Return what is wrong, without what may follow: the names that there are, or what to do."""
    return one.detail.partition("; ")[0]


def _field(pointer: str) -> str:
    """Name the parameter that a pointer leads into."""
    return pointer.removeprefix("/").partition("/")[0].replace("~1", "/").replace("~0", "~")
