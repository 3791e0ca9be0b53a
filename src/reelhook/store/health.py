"""How each endpoint has fared lately, as `record` notes it; read whole at the start."""

from typing import Final

import apsw
import msgspec

from reelhook.store.select import select
from reelhook.store.statements import statements

_SQL: Final = statements("sqlite", "health")


class EndpointHealth(msgspec.Struct, frozen=True, gc=False):
    """When an endpoint last succeeded and failed, and since when nothing went through (None: its last attempt did).

    `notified_at` is when its owner was last told. Times are ms since 1970.
    """

    endpoint_id: int
    failing_since: int | None = None
    last_success_at: int | None = None
    last_failure_at: int | None = None
    notified_at: int | None = None


def load_health(connection: apsw.Connection) -> dict[int, EndpointHealth]:
    """Read the health of every endpoint that was ever sent to."""
    return {row[0]: EndpointHealth(*row) for row in select(connection, _SQL["all"])}


def forget_failures(connection: apsw.Connection, endpoint_id: int) -> None:
    """Start afresh, inside the transaction that enables the endpoint again: what failed before no longer counts."""
    connection.execute(_SQL["forget_failures"], (endpoint_id,))
