"""Accepting on PostgreSQL: other nodes write too, so what was looked up before is made sure of in the transaction."""

import json
from collections.abc import Sequence
from typing import Any, Final

from reelhook.errors import Stale
from reelhook.ports import Acceptance
from reelhook.store.accepting import Accepting, key_rows
from reelhook.store.assets import telling_rows
from reelhook.store.operation import Refused
from reelhook.store.postgres.texts import own_statements
from reelhook.store.sql import Bulk, Connection

_SQL: Final = own_statements("accepting")
_VERSIONS: Final = own_statements("replica")["versions_of"]
_STALE: Final = "the app was changed on another node at this moment; nothing was accepted; try again"
_TAKEN: Final = "the same was published through another node at this moment; nothing was accepted; try again"
_TOLD: Final = "the same change was told as another event at this moment; nothing was accepted; try again"


class PgAccepting:
    """Implements `Accepts` of the writer."""

    def __init__(self) -> None:
        self._accepting = Accepting(_Keys())
        self._tellings = _Tellings()

    def run(self, connection: Connection, acceptances: Sequence[Acceptance]) -> list[Any]:
        """Write those that were matched against what holds now, and refuse the others."""
        asked = json.dumps(sorted({one.app_id for one in acceptances}))
        current: dict[str, int] = dict(connection.execute(_VERSIONS, {"ids": asked}).fetchall())
        fresh = [one for one in acceptances if current.get(one.app_id) == one.version]
        self._tellings.run(connection, fresh)
        if len(fresh) == len(acceptances):
            return self._accepting.run(connection, acceptances)
        answers = iter(self._accepting.run(connection, fresh))
        return [
            next(answers) if current.get(one.app_id) == one.version else Refused(Stale(_STALE)) for one in acceptances
        ]


class _Tellings:
    """Writes that endpoints are told of changes, and refuses what tells of one that another publish has told of since
    this one was matched: the batch is halved until the one that does stands alone, and that is matched anew.
    """

    def __init__(self) -> None:
        self._insert = Bulk(_SQL["insert_tellings"], 7)
        self._delete = Bulk(_SQL["delete_expired_tellings"], 5)

    def run(self, connection: Connection, acceptances: Sequence[Acceptance]) -> None:
        """Write them."""
        rows = telling_rows(acceptances)
        written = self._insert.run(connection, rows)
        if written == len(rows):
            return
        nows = [one.events[0].accepted_at for one in acceptances for _ in one.tellings]
        expired = self._delete.run(connection, [(*row[:4], now) for row, now in zip(rows, nows, strict=True)])
        if not expired or written + self._insert.run(connection, rows) != len(rows):
            raise Stale(_TOLD)


class _Keys:
    """Writes keys, and refuses those that are there: the batch is halved until the one that has them stands alone."""

    def __init__(self) -> None:
        self._insert = Bulk(_SQL["insert_keys"], 7)
        self._delete = Bulk(_SQL["delete_expired"], 4)

    def run(self, connection: Connection, acceptances: Sequence[Acceptance]) -> None:
        """Write them."""
        rows = key_rows(acceptances)
        written = self._insert.run(connection, rows)
        if written == len(rows):
            return
        nows = [one.events[0].accepted_at for one in acceptances for _ in one.keys]
        expired = self._delete.run(connection, [(*row[:3], now) for row, now in zip(rows, nows, strict=True)])
        if not expired or written + self._insert.run(connection, rows) != len(rows):
            raise Stale(_TAKEN)
