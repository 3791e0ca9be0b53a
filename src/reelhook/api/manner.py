"""A manner: how one of the APIs here lets callers in and words its errors. Ours is in `native`, others in `compat`."""

from typing import NamedTuple, Protocol

from starlette.requests import Request

from reelhook.api.access import Rule
from reelhook.api.services import Services
from reelhook.errors import ReelhookError
from reelhook.model.access import Caller


class Refusal(NamedTuple):
    """An error as it is answered; header names are lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Admission(Protocol):
    """Who guards one API, with what it remembers of its callers."""

    def admit(self, rule: Rule, request: Request, carried: dict[str, str]) -> Caller:
        """Return who calls, who may do so. What goes into `carried` stands in the headers of every answer from then on,
        errors included.

        Raises:
            ReelhookError: nobody, somebody who may not, or not now.
        """
        ...


class Manner(Protocol):
    """One API's way with those who call it. `prefixes` are the paths below which it holds: every error there is its
    own, also where there is no such path.
    """

    @property
    def prefixes(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def document(self) -> type:
        """The type of its errors."""
        ...

    @property
    def media_type(self) -> str:
        """The media type of its errors."""
        ...

    @property
    def security(self) -> list[dict[str, list[str]]]:
        """How callers prove who they are, in OpenAPI's words."""
        ...

    def status(self, status: int) -> int:
        """Return which status it answers where our own API answers this one."""
        ...

    def refuse(self, error: ReelhookError, path: str) -> Refusal:
        """Write an error."""
        ...

    def admission(self, services: Services) -> Admission:
        """Begin to let callers in."""
        ...
