"""How VideoCloud's API lets callers in: a bearer token, or the same text as an API key."""

from typing import Final

from starlette.requests import Request

from reelhook.api.access import Rule, only
from reelhook.api.compat.videocloud import errors
from reelhook.api.manner import Refusal
from reelhook.api.services import Services
from reelhook.errors import ReelhookError
from reelhook.model.access import Caller


class VideoCloudAdmission:
    """Asks for a token, and lets an operator choose the app."""

    def __init__(self, services: Services) -> None:
        self._authenticator = services.authenticator

    def admit(self, rule: Rule, request: Request, carried: dict[str, str]) -> Caller:  # noqa: ARG002 - the protocol
        """Return who calls. VideoCloud's clients hold an API key, and its documentation says not how they send it."""
        headers = request.scope["headers"]
        authorization, key = only(headers, b"authorization"), only(headers, b"x-api-key")
        if authorization is None and key is not None:
            authorization = b"Bearer " + key
        caller = self._authenticator.caller(authorization, only(headers, b"reelhook-app"))
        rule.require(caller)
        return caller


class VideoCloud:
    """Implements `Manner`."""

    prefixes: Final = ("/compat/videocloud",)
    document: Final = errors.VideoCloudError
    media_type: Final = errors.MEDIA_TYPE
    security: Final[list[dict[str, list[str]]]] = [{"token": []}, {"key": []}]

    def status(self, status: int) -> int:
        """Return which status VideoCloud answers where we answer this one."""
        return errors.status_of(status)

    def refuse(self, error: ReelhookError, path: str) -> Refusal:  # noqa: ARG002 - the protocol
        """Write an error."""
        return errors.refuse(error)

    def admission(self, services: Services) -> VideoCloudAdmission:
        """Begin."""
        return VideoCloudAdmission(services)


VIDEOCLOUD: Final = VideoCloud()
