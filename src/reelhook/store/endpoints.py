"""Endpoints: a change adds a version and moves the pointer to it, in one transaction with its audit entry."""

from collections.abc import Awaitable, Iterable
from functools import partial
from typing import Final

import msgspec

from reelhook.errors import Conflict, NotFound
from reelhook.model.audit import AuditEntry
from reelhook.model.endpoint import Endpoint, EndpointState, Ordering
from reelhook.model.page import Page
from reelhook.ports import Clock, SealedAnswer
from reelhook.store import ordering
from reelhook.store.apps import require_app
from reelhook.store.cursor import cut_page, read_cursor, scope_of
from reelhook.store.documents import Documents
from reelhook.store.health import forget_failures
from reelhook.store.noting import note
from reelhook.store.reading import Reading
from reelhook.store.select import Row, select, select_one, select_value
from reelhook.store.sql import Connection
from reelhook.store.statements import statements
from reelhook.store.writing import Writes, write

_SQL: Final = statements("endpoints")
_UNKNOWN: Final = "there is no such endpoint"


class _Conduct(msgspec.Struct):
    """What of an endpoint's document is read without its secrets."""

    state: EndpointState = EndpointState.ACTIVE
    ordering: Ordering = Ordering.NONE


_conduct: Final = msgspec.json.Decoder(_Conduct)


class StoredEndpoints:
    """Implements `Endpoints`."""

    def __init__(
        self, commit: Writes, reader: Connection, reading: Reading, documents: Documents, clock: Clock
    ) -> None:
        self._clock = clock
        self._reading = reading
        self._commit = commit
        self._reader = reader
        self._documents = documents

    def get(self, app_id: str, endpoint_id: int) -> Endpoint | None:
        """Return the current version of an endpoint; None when it is another app's, or removed."""
        return self._one("get", (endpoint_id, app_id))

    async def version(self, endpoint_id: int, version: int) -> Endpoint | None:
        """Return one version, also of an endpoint that is removed: what an attempt cites."""
        key = (endpoint_id, version)
        row = await self._reading.run(partial(select_one, sql=_SQL["version"], bindings=key))
        return None if row is None else self._read(row)

    def page(self, app_id: str, cursor: str | None, limit: int) -> Page[Endpoint]:
        """List an app's endpoints, newest first."""
        scope = scope_of("endpoints", app_id)
        rows = select(self._reader, _SQL["page"], (app_id, read_cursor(scope, cursor), limit + 1))
        return cut_page([self._read(row) for row in rows], limit, scope, lambda endpoint: endpoint.id)

    def all(self) -> Iterable[Endpoint]:
        """Return the current version of every endpoint of every app."""
        return [self._read(row) for row in select(self._reader, _SQL["all"])]

    def add(self, endpoint: Endpoint, entry: AuditEntry, answer: SealedAnswer | None = None) -> Awaitable[None]:
        """Store a new endpoint; NotFound when its app is gone."""
        version = self._version_row(endpoint)

        def job(connection: Connection) -> None:
            require_app(connection, endpoint.app_id)
            row = (endpoint.id, endpoint.app_id, endpoint.version, endpoint.compat_id)
            connection.execute(_SQL["add"], row)
            connection.execute(_SQL["add_version"], version)
            note(connection, entry, answer)

        return write(self._commit, job)

    def change(self, endpoint: Endpoint, entry: AuditEntry, answer: SealedAnswer | None = None) -> Awaitable[None]:
        """Store the next version; Conflict when somebody else stored it first, NotFound when the endpoint is gone."""
        version = self._version_row(endpoint)
        key = {
            "id": endpoint.id,
            "app_id": endpoint.app_id,
            "version": endpoint.version,
            "compat_id": endpoint.compat_id,
        }

        now = self._clock.now()

        def job(connection: Connection) -> None:
            connection.execute(_SQL["change"], key)
            if not connection.changes():
                raise _why_not(connection, endpoint.app_id, endpoint.id)
            connection.execute(_SQL["add_version"], version)
            before = _before(connection, endpoint)
            if endpoint.state is EndpointState.ACTIVE and before.state is not EndpointState.ACTIVE:
                forget_failures(connection, endpoint.id)
            if endpoint.ordering is Ordering.NONE and before.ordering is not Ordering.NONE:
                ordering.dissolve(connection, endpoint.id, now)
            note(connection, entry, answer)

        return write(self._commit, job)

    def remove(self, app_id: str, endpoint_id: int, entry: AuditEntry, version: int | None = None) -> Awaitable[None]:
        """Remove an endpoint, or only this version of it; what waits for it is cancelled by `Upkeep.expire`, its log
        stays.
        """
        key = {"id": endpoint_id, "app_id": app_id, "version": version, "at": entry.at}

        def job(connection: Connection) -> None:
            connection.execute(_SQL["remove"], key)
            if not connection.changes():
                raise _why_not(connection, app_id, endpoint_id)
            note(connection, entry)

        return write(self._commit, job)

    def _one(self, name: str, key: tuple[object, ...]) -> Endpoint | None:
        row = select_one(self._reader, _SQL[name], key)
        return None if row is None else self._read(row)

    def _read(self, row: Row) -> Endpoint:
        app_id, endpoint_id, version, raw = row
        return self._documents.read(raw, Endpoint, *_row_of(app_id, endpoint_id, version))

    def _version_row(self, endpoint: Endpoint) -> tuple[object, ...]:
        place = _row_of(endpoint.app_id, endpoint.id, endpoint.version)
        document = self._documents.write(endpoint, *place)
        return endpoint.id, endpoint.version, endpoint.name, endpoint.url, document, endpoint.updated_at


def _row_of(app_id: str, endpoint_id: int, version: int) -> tuple[str, str, int, int]:
    return app_id, "endpoint_versions", endpoint_id, version


def state_of(document: bytes) -> EndpointState:
    """Read an endpoint's state out of its document, without its secrets."""
    return _conduct.decode(document).state


def _before(connection: Connection, endpoint: Endpoint) -> _Conduct:
    """Read how the version before this one was."""
    return _conduct.decode(select_value(connection, _SQL["document"], (endpoint.id, endpoint.version - 1)))


def _why_not(connection: Connection, app_id: str, endpoint_id: int) -> Conflict | NotFound:
    if select_value(connection, _SQL["exists"], (endpoint_id, app_id)):
        return Conflict("the endpoint was changed by somebody else meanwhile; read it again and repeat your change")
    return NotFound(_UNKNOWN)
