"""The replica: a copy of the registries in this process's memory, so that they are read in the loop in microseconds.

It is an SQLite in memory with the tables that SQLite's store has, so that the registries' code reads it as it reads a
file. An app's version in PostgreSQL grows with every change of the app, its tokens, endpoints and event types, in the
order of commits: what is read of an app at a version is complete up to it.
"""

from typing import Any, Final

import msgspec

from reelhook.store.connection import SqliteConnection
from reelhook.store.migrate import migrate
from reelhook.store.postgres.texts import own_statements
from reelhook.store.select import select, select_column
from reelhook.store.sql import Connection, Row, Statement
from reelhook.store.statements import texts_of

_READ: Final = own_statements("replica")
_WRITE: Final = {name: Statement.of("replica", name, text) for name, text in texts_of("replica", "replica").items()}
UNKNOWN: Final = -1
"""The version of an app that is not known here."""


class AppDelta(msgspec.Struct, frozen=True):
    """An app at a version: all of it but its endpoints, of which those that changed."""

    version: int
    row: Row
    tokens: list[Row]
    event_types: list[Row]
    endpoints: list[Row]


class Delta(msgspec.Struct):
    """What is to be taken over: apps that changed, and those that are gone."""

    apps: dict[str, AppDelta] = {}
    removed: list[str] = []

    def __bool__(self) -> bool:
        return bool(self.apps or self.removed)


def read_delta(connection: Connection, known: dict[str, int]) -> Delta:
    """Read what has changed since the known versions, in one snapshot."""
    current: dict[str, int] = dict(connection.execute(_READ["versions"]).fetchall())
    changed = {
        app_id: _read_app(connection, app_id, version, known.get(app_id, UNKNOWN))
        for app_id, version in current.items()
        if version != known.get(app_id)
    }
    return Delta(changed, [app_id for app_id in known if app_id not in current])


def _read_app(connection: Connection, app_id: str, version: int, known: int) -> AppDelta:
    return AppDelta(
        version,
        select(connection, _READ["apps"], (app_id,))[0],
        select(connection, _READ["tokens"], (app_id,)),
        select(connection, _READ["event_types"], (app_id,)),
        select(connection, _READ["endpoints"], (app_id, known)),
    )


class Replica:
    """The copy, used in the loop only. `connection` is what the registries read."""

    def __init__(self) -> None:
        self.connection = SqliteConnection(":memory:")
        migrate(self.connection)
        self.versions: dict[str, int] = {}

    def version(self, app_id: str) -> int:
        """Return the version at which an app is known here."""
        return self.versions.get(app_id, UNKNOWN)

    def apply(self, delta: Delta) -> Delta:
        """Take a delta over; return what of it was not known yet (two may have been read at once)."""
        fresh = {app_id: one for app_id, one in delta.apps.items() if one.version > self.version(app_id)}
        removed = [app_id for app_id in delta.removed if app_id in self.versions]
        with self.connection:
            for app_id, one in fresh.items():
                self._put(app_id, one)
            for app_id in removed:
                self._remove(app_id)
        return Delta(fresh, removed)

    def close(self) -> None:
        """Forget everything."""
        self.connection.close()

    def _put(self, app_id: str, one: AppDelta) -> None:
        self._run("put_app", one.row)
        self._run("delete_tokens", (app_id,))
        for token in one.tokens:
            self._run("put_token", token)
        self._run("delete_event_types", (app_id,))
        for event_type in one.event_types:
            self._run("put_event_type", event_type)
        for number, owner, version, compat_id, removed_at, *document in one.endpoints:
            self._run("delete_endpoint", (number,))
            self._run("delete_versions", (number,))
            if removed_at is None:
                self._run("put_endpoint", (number, owner, version, compat_id))
                self._run("put_version", (number, version, *document))
        self.versions[app_id] = one.version

    def _remove(self, app_id: str) -> None:
        for number in select_column(self.connection, _WRITE["endpoints_of"], (app_id,)):
            self._run("delete_versions", (number,))
        for name in ("delete_endpoints", "delete_tokens", "delete_event_types", "delete_app"):
            self._run(name, (app_id,))
        del self.versions[app_id]

    def _run(self, name: str, bindings: tuple[Any, ...]) -> None:
        self.connection.execute(_WRITE[name], bindings)
