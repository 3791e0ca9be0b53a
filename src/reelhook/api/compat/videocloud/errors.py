"""Errors as VideoCloud writes them: `{"success": false, "error": {"code", "message"}}`."""

from typing import Final, Literal

import msgspec

from reelhook.api.manner import Refusal
from reelhook.api.problem import problem_headers
from reelhook.errors import ReelhookError

MEDIA_TYPE: Final = "application/json"
_STATUSES: Final = {415: 400, 422: 400}
_CODES: Final = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "payload_too_large",
    429: "rate_limit_exceeded",
    503: "unavailable",
    507: "storage_full",
}
_OTHERWISE: Final = {4: "invalid_request", 5: "internal_error"}
_ENCODER: Final = msgspec.json.Encoder()


class VideoCloudProblem(msgspec.Struct):
    """What was wrong: a word to compare, a sentence to read."""

    code: str
    message: str


class VideoCloudError(msgspec.Struct):
    """An error."""

    success: Literal[False]
    error: VideoCloudProblem


def status_of(status: int) -> int:
    """Return which status VideoCloud answers where we answer this one."""
    return _STATUSES.get(status, status)


def refuse(error: ReelhookError) -> Refusal:
    """Write an error."""
    status = status_of(error.status)
    code = _CODES.get(status) or _OTHERWISE[status // 100]
    headers = dict(problem_headers(error)) | {"content-type": MEDIA_TYPE}
    body = VideoCloudError(success=False, error=VideoCloudProblem(code, _message(error)))
    return Refusal(status, list(headers.items()), _ENCODER.encode(body))


def _message(error: ReelhookError) -> str:
    """Say everything that is wrong: there is no other place for it."""
    if len(error.errors) < 2:
        return error.detail
    return "; ".join(f"{one.pointer or 'the body'}: {one.detail}" for one in error.errors)
