"""Who of the nodes at work seals with which key."""

from typing import Final

from reelhook.errors import Unavailable
from reelhook.store.postgres.texts import own_statements
from reelhook.store.seal import Sealer
from reelhook.store.select import select, select_column
from reelhook.store.sql import Connection
from reelhook.store.statements import SQLITE

_SQL: Final = own_statements("shards")


def refuse_other_seals(connection: Connection, sealer: Sealer) -> None:
    """Refuse to go on while a node seals with another key; nobody joins before the transaction ends.

    Raises:
        Unavailable: a node does.
    """
    if connection.backend == SQLITE:
        return  # there is one process, and this is it
    select(connection, _SQL["lock_numbers"])
    nodes = select_column(connection, _SQL["seal_otherwise"], {"seals": sealer.key_id})
    if nodes:
        raise Unavailable(
            f"{len(nodes)} running nodes still seal with another key ({', '.join(map(str, nodes[:3]))}"
            f"{', …' if len(nodes) > 3 else ''}): give every node the new one as REELHOOK_SECRET_KEY first"
        )
