"""The largest id in a database: new ones must be larger, whatever the clock says."""

from reelhook.store.sql import Connection

_TABLES = ("events", "deliveries", "attempts", "endpoints", "tokens", "tasks", "audit")


def last_id(connection: Connection) -> int:
    """Return the largest id that any earlier process made, so far as it left a trace."""
    highest = [connection.execute(f"SELECT max(id) FROM {table}").get for table in _TABLES]
    return max((int(number) for number in highest if number is not None), default=0)
