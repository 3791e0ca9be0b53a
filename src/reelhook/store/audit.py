"""The audit log: every change adds its entry in its own transaction."""

from collections.abc import Awaitable
from functools import partial
from typing import Final

import msgspec

from reelhook.model.audit import AuditEntry
from reelhook.model.page import Page
from reelhook.store.cursor import cut_page, read_cursor, scope_of
from reelhook.store.reading import Reading
from reelhook.store.select import select_column
from reelhook.store.sql import Connection
from reelhook.store.statements import statements
from reelhook.store.writing import Writes, write

_SQL: Final = statements("audit")
_entry: Final = msgspec.json.Decoder(AuditEntry)


class StoredAudit:
    """Implements `AuditLog`."""

    def __init__(self, commit: Writes, reading: Reading) -> None:
        self._commit = commit
        self._reading = reading

    async def page(self, app_id: str, cursor: str | None, limit: int) -> Page[AuditEntry]:
        """List an app's entries, newest first."""
        scope = scope_of("audit", app_id)
        bounds = (app_id, read_cursor(scope, cursor), limit + 1)
        found = await self._reading.run(partial(select_column, sql=_SQL["page"], bindings=bounds))
        return cut_page([_entry.decode(raw) for raw in found], limit, scope, lambda entry: entry.id)

    def add(self, entry: AuditEntry) -> Awaitable[None]:
        """Note something that changes nothing stored (a secret was shown)."""
        return write(self._commit, lambda connection: add_entry(connection, entry))


def add_entry(connection: Connection, entry: AuditEntry) -> None:
    """Write an entry inside the transaction of the change that it tells of."""
    connection.execute(_SQL["add"], (entry.id, entry.app_id, msgspec.json.encode(entry)))
