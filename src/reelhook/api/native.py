"""Our own API's manner: bearer tokens with roles and scopes, errors as RFC 9457 problems."""

from typing import Final

from starlette.requests import Request

from reelhook.api.access import Rule, only
from reelhook.api.manner import Refusal
from reelhook.api.problem import MEDIA_TYPE, Problem, problem_body, problem_headers
from reelhook.api.services import Services
from reelhook.errors import ReelhookError
from reelhook.model.access import Caller


class NativeAdmission:
    """Asks for a token, and lets an operator choose the app."""

    def __init__(self, services: Services) -> None:
        self._authenticator = services.authenticator

    def admit(self, rule: Rule, request: Request, carried: dict[str, str]) -> Caller:  # noqa: ARG002 - the protocol
        """Return who calls."""
        headers = request.scope["headers"]
        caller = self._authenticator.caller(only(headers, b"authorization"), only(headers, b"reelhook-app"))
        rule.require(caller)
        return caller


class Native:
    """Implements `Manner` for every path that no other API has taken."""

    prefixes: Final = ("",)
    document: Final = Problem
    media_type: Final = MEDIA_TYPE
    security: Final[list[dict[str, list[str]]]] = [{"token": []}]

    def status(self, status: int) -> int:
        """Return it as it is."""
        return status

    def refuse(self, error: ReelhookError, path: str) -> Refusal:
        """Write a problem."""
        return Refusal(error.status, problem_headers(error), problem_body(error, path))

    def admission(self, services: Services) -> NativeAdmission:
        """Begin."""
        return NativeAdmission(services)


NATIVE: Final = Native()
