"""A connection to the database of a teller, for what is done to it beside servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reelhook.store.connection import open_writer
from reelhook.store.migrate import migrate
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.sql import Connection


@contextmanager
def connected(tell: Any) -> Iterator[Connection]:
    """Connect as a command does; the tables are there."""
    url = getattr(tell, "url", None)
    connection: Any = open_writer(tell.path) if url is None else PgConnection(url)
    migrate(connection)
    try:
        yield connection
    finally:
        connection.close()
