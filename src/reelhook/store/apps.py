"""The tenants, all in memory, every change on disk first."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from reelhook.errors import Conflict, NotFound
from reelhook.model.access import DEFAULT_APP, App, VimeoAccount
from reelhook.model.audit import AuditEntry
from reelhook.model.page import Page
from reelhook.ports import SealedAnswer
from reelhook.store.cursor import NEWEST, read_cursor, scope_of, write_cursor
from reelhook.store.documents import Documents
from reelhook.store.noting import note
from reelhook.store.select import select, select_value
from reelhook.store.sql import Connection
from reelhook.store.statements import statements
from reelhook.store.writing import Writes, write

_SQL: Final = statements("apps")
_SCOPE: Final = scope_of("apps")
_DEFAULT_CAPABILITIES: Final = ("CAPABILITY_WEBHOOK_SCOPE",)
_UNKNOWN: Final = "there is no such app"


class StoredApps:
    """Implements `Apps`. `removed` hears of an app that is gone, so that nothing in memory outlives it."""

    def __init__(
        self, commit: Writes, reader: Connection, documents: Documents, removed: Callable[[str], None]
    ) -> None:
        self._commit = commit
        self._documents = documents
        self._removed = removed
        rows = select(reader, _SQL["all"])
        self._apps = {app_id: documents.read(raw, App, app_id, "apps", app_id) for app_id, raw in rows}

    def get(self, app_id: str) -> App | None:
        """Return an app."""
        return self._apps.get(app_id)

    def all(self) -> Iterable[App]:
        """Return all apps."""
        return list(self._apps.values())

    def page(self, cursor: str | None, limit: int) -> Page[App]:
        """List apps, newest first. A cursor counts how many are older, so that new ones do not shift it."""
        oldest_first = sorted(self._apps.values(), key=lambda app: (app.created_at, app.id))
        position = read_cursor(_SCOPE, cursor)
        end = len(oldest_first) if position == NEWEST else min(position, len(oldest_first))
        start = max(0, end - limit)
        return Page(tuple(reversed(oldest_first[start:end])), write_cursor(_SCOPE, start) if start else None)

    def add(self, app: App, entry: AuditEntry, answer: SealedAnswer | None = None) -> Awaitable[None]:
        """Store a new app; Conflict when its id is taken."""

        def job(connection: Connection) -> None:
            if select_value(connection, _SQL["is_buried"], (app.id,)):
                raise Conflict(f"there was an app with the id {app.id}, whose log may still be kept; choose another id")
            if not _insert(connection, self._documents, app):
                raise Conflict(f"there is an app with the id {app.id} already; choose another id")
            note(connection, entry, answer)

        return write(self._commit, job, lambda: self._keep(app))

    def change(self, app: App, entry: AuditEntry) -> Awaitable[None]:
        """Store an app as it is now; NotFound when it is gone."""
        document = self._documents.write(app, app.id, "apps", app.id)

        def job(connection: Connection) -> None:
            connection.execute(_SQL["change"], (document, app.id))
            if not connection.changes():
                raise NotFound(_UNKNOWN)
            note(connection, entry)

        return write(self._commit, job, lambda: self._keep(app))

    def remove(self, app_id: str, entry: AuditEntry) -> Awaitable[None]:
        """Remove an app with its endpoints, tokens, event types and tasks; its log stays as long as any."""

        def job(connection: Connection) -> None:
            if app_id == DEFAULT_APP:
                raise Conflict(f"the app {DEFAULT_APP} always exists; it cannot be deleted")
            connection.execute(_SQL["remove"], (app_id,))
            if not connection.changes():
                raise NotFound(_UNKNOWN)
            connection.execute(_SQL["bury"], (app_id,))
            connection.execute(_SQL["remove_endpoints"], (entry.at, app_id))
            connection.execute(_SQL["remove_tokens"], (app_id,))
            connection.execute(_SQL["remove_event_types"], (app_id,))
            connection.execute(_SQL["remove_tasks"], (app_id,))
            note(connection, entry)

        return write(self._commit, job, lambda: self._forget(app_id))

    def learn(self, app_id: str, document: bytes) -> App:
        """Take over an app as it is stored: it was changed elsewhere."""
        app = self._apps[app_id] = self._documents.read(document, App, app_id, "apps", app_id)
        return app

    def forget(self, app_id: str) -> None:
        """Forget an app that was removed elsewhere."""
        self._forget(app_id)

    def _keep(self, app: App) -> None:
        self._apps[app.id] = app

    def _forget(self, app_id: str) -> None:
        self._apps.pop(app_id, None)
        self._removed(app_id)


def ensure_default_app(connection: Connection, documents: Documents, now: int) -> bool:
    """Make the app that always exists, on the writer's connection before anything reads; tell whether it was new."""
    account = VimeoAccount(capabilities=_DEFAULT_CAPABILITIES)
    return _insert(connection, documents, App(DEFAULT_APP, "Default", now, now, vimeo=account))


def require_app(connection: Connection, app_id: str) -> None:
    """Refuse, inside a transaction, to add something to an app that is gone."""
    if not select_value(connection, _SQL["exists"], (app_id,)):
        raise NotFound(_UNKNOWN)


def _insert(connection: Connection, documents: Documents, app: App) -> bool:
    document = documents.write(app, app.id, "apps", app.id)
    connection.execute(_SQL["add"], (app.id, document, app.created_at))
    return bool(connection.changes())
