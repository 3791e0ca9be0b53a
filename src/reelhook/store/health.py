"""How each endpoint has fared lately, as `record` notes it; read whole at the start."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Final

import msgspec

from reelhook.model.standing import EndpointStanding
from reelhook.store.select import select, select_one
from reelhook.store.sql import Connection
from reelhook.store.statements import statements
from reelhook.store.writing import Writes, write

_SQL: Final = statements("health")
_NEVER_SENT: Final = EndpointStanding()


class EndpointHealth(msgspec.Struct, frozen=True, gc=False):
    """When an endpoint last succeeded and failed, and since when nothing went through (None: its last attempt did).

    `notified_at` is when its owner was last told. Times are ms since 1970.
    """

    endpoint_id: int
    failing_since: int | None = None
    last_success_at: int | None = None
    last_failure_at: int | None = None
    notified_at: int | None = None


class StoredNotices:
    """Implements `Notices`."""

    def __init__(self, commit: Writes) -> None:
        self._commit = commit

    def told(self, failing: Mapping[int, int]) -> Awaitable[None]:
        """Note for endpoints when (ms) their owners were told that they fail."""
        rows = [(at, endpoint_id) for endpoint_id, at in failing.items()]

        def job(connection: Connection) -> None:
            for row in rows:
                connection.execute(_SQL["told"], row)

        return write(self._commit, job)


def load_health(connection: Connection) -> dict[int, EndpointHealth]:
    """Read the health of every endpoint that was ever sent to."""
    return {row[0]: EndpointHealth(*row) for row in select(connection, _SQL["all"])}


def load_standings(connection: Connection, endpoint_ids: Sequence[int]) -> dict[int, EndpointStanding]:
    """Read how some endpoints stand."""
    return {one: _load_standing(connection, one) for one in endpoint_ids}


def _load_standing(connection: Connection, endpoint_id: int) -> EndpointStanding:
    row = select_one(connection, _SQL["one"], (endpoint_id,))
    return _NEVER_SENT if row is None else _standing(*row)


def forget_failures(connection: Connection, endpoint_id: int) -> None:
    """Start afresh, inside the transaction that enables the endpoint again: what failed before no longer counts."""
    connection.execute(_SQL["forget_failures"], (endpoint_id,))


def _standing(
    failing_since: int | None, succeeded_at: int | None, failed_at: int | None, exhausted_at: int | None
) -> EndpointStanding:
    if failed_at is None or (succeeded_at or 0) > failed_at:
        return EndpointStanding(succeeded_at, succeeded_at is not None, exhausted_at)
    # Of two in one millisecond the last is told by whether the endpoint has been failing since.
    return EndpointStanding(failed_at, succeeded_at == failed_at and failing_since is None, exhausted_at)
