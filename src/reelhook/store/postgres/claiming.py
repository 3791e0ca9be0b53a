"""Claims on PostgreSQL: what is due is looked for in the transaction that takes it, all claims of a commit at once."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from reelhook.ports import Claimed, Taken
from reelhook.store.claiming import Claim, Claiming
from reelhook.store.postgres.texts import own_statements
from reelhook.store.sql import Bulk, Connection

_DUE: Final = Bulk(own_statements("claiming")["due"], 4)


class PgClaiming:
    """Implements `Claims` of the writer."""

    def __init__(self) -> None:
        self._claiming = Claiming()

    def claim(self, connection: Connection, claims: Sequence[Claim]) -> list[Taken]:
        """Find and take what is due."""
        asked = [(place, one.endpoint_id, one.now, one.limit) for place, one in enumerate(claims)]
        rows: dict[int, list[Any]] = defaultdict(list)
        for place, _, *row in _DUE.select(connection, asked):
            rows[place].append(row)
        for place, one in enumerate(claims):
            one.found = one.choose(rows[place])
        return self._claiming.claim(connection, claims)

    def release(self, connection: Connection, released: Sequence[Sequence[Claimed]], now: int) -> None:
        """Give deliveries back."""
        self._claiming.release(connection, released, now)
