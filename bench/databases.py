"""Databases: where installations are made: files, or databases on a server of PostgreSQL."""

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final, Self

import asyncpg

# The server that tests start and stop is what is measured: one way to make a throw-away cluster.
from tests.support.postgres import Cluster, servers

from bench import machine
from bench.installations import Installation, PostgresInstallation, SqliteInstallation
from bench.session import Session

SQLITE: Final = "sqlite"
POSTGRES: Final = "postgres"
DURABLE: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
}
"""Nothing is given up. The rest is what a server of this size gets: with the 1 GB of log that is the default, a run of
some seconds would be mostly checkpoints."""
_NO_SERVER: Final = "databases cannot be made on the server that --database names"


class Unusable(Exception):
    """What was asked for cannot be measured here; the text says why, and what to do."""


class Database(ABC):
    """Where installations are made."""

    name: str
    most_nodes = 128

    @abstractmethod
    def installation(self, directory: Path) -> AbstractContextManager[Installation]:
        """Make a fresh one, which is gone afterwards."""

    @abstractmethod
    def describe(self) -> str:
        """Say for the figures what it is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:  # noqa: B027  (most have nothing to stop)
        """Stop what was started."""


class Sqlite(Database):
    """A file in the bench's own directory."""

    name = SQLITE
    most_nodes = 1

    @contextmanager
    def installation(self, directory: Path) -> Iterator["SqliteInstallation"]:
        """Name a file that the program makes."""
        yield SqliteInstallation(directory / "reelhook.db")

    def describe(self) -> str:
        """Name it."""
        return "SQLite"


class Postgres(Database):
    """A server, one's own by its URL or a throw-away cluster; installations are databases that are made and dropped."""

    name = POSTGRES

    def __init__(self, url: str | None = None) -> None:
        self._given = url
        self._count = 0
        self._stack = ExitStack()
        self._postmaster: int | None = None

    def __enter__(self) -> Self:
        self.url = self._given or self._start()
        try:
            self.session = self._stack.enter_context(Session(self.url))
        except (asyncpg.PostgresError, OSError) as error:
            self._stack.close()
            raise Unusable(f"{_NO_SERVER}: {error}") from None
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def describe(self) -> str:
        """Name the server with its version."""
        version: str = self.session.value("SHOW server_version")
        return f"PostgreSQL {version.partition(' ')[0]}"

    @contextmanager
    def installation(self, directory: Path) -> Iterator[Installation]:  # noqa: ARG002  (of no use to a server)
        """Make a database, and drop it."""
        self._count += 1
        name = f"reelhook_bench_{self._count}"
        try:
            self._drop(name)
            self.session.run(f"CREATE DATABASE {name}")
        except asyncpg.PostgresError as error:
            raise Unusable(f"{_NO_SERVER}: {error}") from None
        try:
            yield PostgresInstallation(self.url, name, self.session, self._cpu)
        finally:
            self._drop(name)

    def _cpu(self) -> machine.Cpu | None:
        """Return the CPU of all processes of a server of our own."""
        return None if self._postmaster is None else machine.cpu_of_family(self._postmaster)

    def _start(self) -> str:
        found = servers()
        if not found:
            raise Unusable("no PostgreSQL server is installed: apt-get install postgresql, or give the URL of one")
        directory = Path(tempfile.mkdtemp(prefix="reelhook-bench-postgres-"))
        self._stack.callback(shutil.rmtree, directory, ignore_errors=True)
        cluster = Cluster(directory, next(iter(found.values())), durable=True, settings=DURABLE)
        self._stack.enter_context(cluster)
        self._postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
        return cluster.url()

    def _drop(self, name: str) -> None:
        self.session.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def database_of(text: str) -> Database:
    """Return what `--database` names.

    Raises:
        Unusable: it names nothing that there is.
    """
    if text == SQLITE:
        return Sqlite()
    if text == POSTGRES:
        return Postgres()
    if text.startswith(("postgresql://", "postgres://")) and text.count("/") >= 3:
        return Postgres(text)
    raise Unusable(f"--database is sqlite, postgres, or postgresql://user:password@host/database, not {text}")
