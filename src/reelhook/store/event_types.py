"""The apps' own event types, all in memory, every change on disk first."""

from collections.abc import Awaitable, Iterable, Sequence
from typing import Final

import msgspec

from reelhook.errors import NotFound
from reelhook.model.audit import AuditEntry
from reelhook.model.event_type import EventType
from reelhook.ports import SealedAnswer
from reelhook.store.apps import require_app
from reelhook.store.noting import note
from reelhook.store.select import select
from reelhook.store.sql import Connection
from reelhook.store.statements import statements
from reelhook.store.writing import Writes, write

_SQL: Final = statements("event_types")
_event_type: Final = msgspec.json.Decoder(EventType)


class StoredEventTypes:
    """Implements `EventTypes`. A type that is stored has its `app_id`."""

    def __init__(self, commit: Writes, reader: Connection) -> None:
        self._commit = commit
        self._types: dict[str, dict[str, EventType]] = {}
        for app_id, name, raw in select(reader, _SQL["all"]):
            self._types.setdefault(app_id, {})[name] = _event_type.decode(raw)

    def get(self, app_id: str, name: str) -> EventType | None:
        """Return an app's own type."""
        return self._types.get(app_id, {}).get(name)

    def of(self, app_id: str) -> Sequence[EventType]:
        """Return an app's own types by name."""
        return sorted(self._types.get(app_id, {}).values(), key=lambda event_type: event_type.name)

    def all(self) -> Iterable[EventType]:
        """Return the own types of every app."""
        return [event_type for types in self._types.values() for event_type in types.values()]

    def put(self, event_type: EventType, entry: AuditEntry, answer: SealedAnswer | None = None) -> Awaitable[None]:
        """Store a type, new or changed; NotFound when its app is gone."""
        app_id = entry.app_id if event_type.app_id is None else event_type.app_id
        owned = msgspec.structs.replace(event_type, app_id=app_id)

        def job(connection: Connection) -> None:
            require_app(connection, app_id)
            connection.execute(_SQL["put"], (app_id, owned.name, msgspec.json.encode(owned)))
            note(connection, entry, answer)

        return write(self._commit, job, lambda: self._keep(app_id, owned))

    def remove(self, app_id: str, name: str, entry: AuditEntry) -> Awaitable[None]:
        """Remove a type; NotFound when the app has none of this name."""

        def job(connection: Connection) -> None:
            connection.execute(_SQL["remove"], (app_id, name))
            if not connection.changes():
                raise NotFound(f"the app has no event type {name} of its own")
            note(connection, entry)

        return write(self._commit, job, lambda: self._drop(app_id, name))

    def learn(self, app_id: str, documents: Iterable[bytes]) -> None:
        """Take over the types of an app as they are stored: they may have been changed elsewhere."""
        types = [_event_type.decode(raw) for raw in documents]
        self._types[app_id] = {one.name: one for one in types}

    def forget_app(self, app_id: str) -> None:
        """Forget the types of an app that is gone."""
        self._types.pop(app_id, None)

    def _keep(self, app_id: str, event_type: EventType) -> None:
        self._types.setdefault(app_id, {})[event_type.name] = event_type

    def _drop(self, app_id: str, name: str) -> None:
        self._types.get(app_id, {}).pop(name, None)
