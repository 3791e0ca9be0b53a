"""Installations: one database of the program each, and what the database itself counts of it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from tests.support.program import until

from bench import machine
from bench.session import Session

SEALED_WITH: Final = "a passphrase for the bench"
_SHARED: Final = """
SELECT count(*) = $1::integer AND coalesce(min(share), 0) >= 256 / $1::integer FROM (
  SELECT count(*) AS share FROM shards WHERE lease_until > now() GROUP BY node) shares
"""


class Counters(NamedTuple):
    """What a database server has done so far: transactions of every kind, bytes of log, and CPU of all its processes
    (None where they are out of sight).
    """

    transactions: int = 0
    wal_bytes: int = 0
    cpu: machine.Cpu | None = None


class Installation:
    """One database of its own, empty at first."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.settings = {"REELHOOK_SECRET_KEY": SEALED_WITH, **settings}

    def counters(self) -> Counters | None:
        """Return what the server counts; None without a server."""
        return None

    def size(self) -> int:
        """Return its bytes on disk, without a server's log."""
        return 0

    def wait_for_shares(self, nodes: int) -> None:
        """Wait until each of so many nodes has its share of the endpoints."""


class SqliteInstallation(Installation):
    """A file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__({"REELHOOK_DATABASE": f"sqlite:///{path}"})

    def size(self) -> int:
        """Return the size of the file."""
        return self.path.stat().st_size


class PostgresInstallation(Installation):
    """A database on a server."""

    def __init__(self, server: str, name: str, session: Session, cpu: Callable[[], machine.Cpu | None]) -> None:
        self.url = urlsplit(server)._replace(path=f"/{name}").geturl()
        super().__init__({"REELHOOK_DATABASE": self.url})
        self._name = name
        self._session = session
        self._cpu = cpu

    def counters(self) -> Counters:
        """Ask the server, and the kernel for its processes."""
        transactions = self._session.value("SELECT xact_commit FROM pg_stat_database WHERE datname = $1", self._name)
        wal_bytes = int(self._session.value("SELECT pg_current_wal_lsn() - '0/0'"))
        return Counters(transactions, wal_bytes, self._cpu())

    def size(self) -> int:
        """Ask the server."""
        size: int = self._session.value("SELECT pg_database_size($1)", self._name)
        return size

    def wait_for_shares(self, nodes: int) -> None:
        """Ask the database; a lease or two may pass."""
        with Session(self.url) as session:
            until(lambda: session.value(_SHARED, nodes), "every node has its share", pause=0.2)
