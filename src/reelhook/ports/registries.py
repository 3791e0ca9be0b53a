"""What changes seldom and is read all the time."""

from collections.abc import Awaitable, Iterable, Sequence
from typing import Protocol

from reelhook.model.access import App, Token
from reelhook.model.audit import AuditEntry
from reelhook.model.endpoint import Endpoint
from reelhook.model.event_type import EventType
from reelhook.model.page import Page
from reelhook.ports.accepting import SealedAnswer


class Apps(Protocol):
    """The tenants. Every change carries its audit entry, and the answer to be kept where there is one: all of it is one
    commit. (So do the changes of everything below.)
    """

    def get(self, app_id: str) -> App | None: ...  # noqa: D102
    def all(self) -> Iterable[App]: ...  # noqa: D102
    def page(self, cursor: str | None, limit: int) -> Page[App]: ...  # noqa: D102
    def add(self, app: App, entry: AuditEntry, answer: SealedAnswer | None = None) -> Awaitable[None]: ...  # noqa: D102
    def change(self, app: App, entry: AuditEntry) -> Awaitable[None]: ...  # noqa: D102
    def remove(self, app_id: str, entry: AuditEntry) -> Awaitable[None]: ...  # noqa: D102


class Tokens(Protocol):
    """Access tokens, found by the SHA-256 of their text."""

    def by_hash(self, digest: bytes) -> Token | None: ...  # noqa: D102
    def get(self, app_id: str, token_id: int) -> Token | None: ...  # noqa: D102
    def page(self, app_id: str, cursor: str | None, limit: int) -> Page[Token]: ...  # noqa: D102
    def add(  # noqa: D102
        self, token: Token, entry: AuditEntry, answer: SealedAnswer | None = None
    ) -> Awaitable[None]: ...
    def remove(self, app_id: str, token_id: int, entry: AuditEntry) -> Awaitable[None]: ...  # noqa: D102


class Endpoints(Protocol):
    """Endpoints, each a chain of immutable versions. `add` and `change` store the version that they are given; `remove`
    with a version removes that one only, Conflict when it is not the current one.
    """

    def get(self, app_id: str, endpoint_id: int) -> Endpoint | None: ...  # noqa: D102
    def page(self, app_id: str, cursor: str | None, limit: int) -> Page[Endpoint]: ...  # noqa: D102
    def all(self) -> Iterable[Endpoint]: ...  # noqa: D102
    def add(  # noqa: D102
        self, endpoint: Endpoint, entry: AuditEntry, answer: SealedAnswer | None = None
    ) -> Awaitable[None]: ...
    def change(  # noqa: D102
        self, endpoint: Endpoint, entry: AuditEntry, answer: SealedAnswer | None = None
    ) -> Awaitable[None]: ...
    def remove(  # noqa: D102
        self, app_id: str, endpoint_id: int, entry: AuditEntry, version: int | None = None
    ) -> Awaitable[None]: ...


class EventTypes(Protocol):
    """The apps' own event types; the built-in ones are data in the code."""

    def get(self, app_id: str, name: str) -> EventType | None: ...  # noqa: D102
    def of(self, app_id: str) -> Sequence[EventType]: ...  # noqa: D102
    def all(self) -> Iterable[EventType]: ...  # noqa: D102
    def put(  # noqa: D102
        self, event_type: EventType, entry: AuditEntry, answer: SealedAnswer | None = None
    ) -> Awaitable[None]: ...
    def remove(self, app_id: str, name: str, entry: AuditEntry) -> Awaitable[None]: ...  # noqa: D102
