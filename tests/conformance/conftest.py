"""One suite for every store: `tell` runs a story in an open store of each kind."""

import asyncio
import itertools
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.invariants import check_postgres, check_sqlite
from tests.conformance.world import HandClock, World
from tests.support.postgres import Cluster, servers

from reelhook.model.ids import IdSource
from reelhook.model.secret import Secret
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.postgres.store import PostgresOptions, PostgresStore
from reelhook.store.sqlite import SqliteOptions, SqliteStore
from reelhook.store.statements import statements

Story = Callable[[World], Awaitable[Any]]
SECRET_KEY = Secret("a passphrase for the tests")
TEMPLATE = "template_reelhook"
_numbers = itertools.count()


class Teller:
    """Opens the store, runs a story, closes the store; a second story finds what the first one left."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.ids = IdSource()

    def __call__(self, story: Story, *, crash: bool = False) -> Any:
        told = asyncio.run(self._run(story, crash))
        self.check()
        return told

    async def open(self) -> Any:
        raise NotImplementedError

    def check(self) -> None:
        raise NotImplementedError

    def everything_stored(self) -> bytes:
        """Return all that stands in the database, as it stands there."""
        raise NotImplementedError

    async def _run(self, story: Story, crash: bool) -> Any:
        store = await self.open()
        try:
            return await story(World(store, self.clock, self.ids))
        finally:
            if crash:
                store.abandon()
            else:
                await store.close()


class SqliteTeller(Teller):
    def __init__(self, path: Path, *, apart: bool = False) -> None:
        super().__init__()
        self.path = path
        self.apart = apart

    async def open(self) -> SqliteStore:
        return SqliteStore(SqliteOptions(self.path, apart=self.apart), self.clock, self.ids)

    def check(self) -> None:
        check_sqlite(self.path)

    def everything_stored(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.path.parent.iterdir())


class PostgresTeller(Teller):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    async def open(self) -> PostgresStore:
        return await PostgresStore.open(PostgresOptions(self.url, SECRET_KEY), self.clock, self.ids)

    def check(self) -> None:
        check_postgres(self.url)

    def everything_stored(self) -> bytes:
        connection = PgConnection(self.url)
        try:
            tables = [row[0] for row in connection.execute(statements("meta")["tables"])]
            rows = [row for table in tables for row in connection.execute(f"SELECT * FROM {table}")]
        finally:
            connection.close()
        return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)


def _cluster(version: str) -> Iterator[Cluster]:
    """Start a server with a template, of which a test's database is a copy: that is quicker than migrating it."""
    # Not in pytest's own folder: another run that begins meanwhile may clear that away under the server.
    folder = Path(tempfile.mkdtemp(prefix=f"reelhook-postgres-{version}-"))
    with Cluster(folder, servers()[version]) as cluster:
        asyncio.run(_make_template(cluster.database(TEMPLATE)))
        yield cluster


async def _make_template(url: str) -> None:
    await (await PostgresStore.open(PostgresOptions(url, SECRET_KEY), HandClock(), IdSource())).close()


@pytest.fixture(scope="session")
def oldest_postgres() -> Iterator[Cluster]:
    yield from _cluster(min(servers(), key=int))


@pytest.fixture(scope="session")
def newest_postgres() -> Iterator[Cluster]:
    yield from _cluster(max(servers(), key=int))


@pytest.fixture
def postgres_database(oldest_postgres: Cluster) -> Iterator[str]:
    """Make a database with the tables, for what is PostgreSQL's own."""
    yield from _database(oldest_postgres)


def _database(cluster: Cluster) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    yield cluster.database(name, TEMPLATE)
    cluster.drop(name)


@pytest.fixture
def tell_sqlite(tmp_path: Path) -> SqliteTeller:
    """For what is SQLite's own; each test that takes it says why."""
    return SqliteTeller(tmp_path / "reelhook.db")


@pytest.fixture(params=["sqlite", "sqlite-apart", "postgres-oldest", "postgres-newest"])
def tell(request: pytest.FixtureRequest) -> Iterator[Teller]:
    if request.param == "sqlite":
        yield request.getfixturevalue("tell_sqlite")
        return
    if request.param == "sqlite-apart":
        yield SqliteTeller(request.getfixturevalue("tmp_path") / "reelhook.db", apart=True)
        return
    kind = "oldest_postgres" if request.param == "postgres-oldest" else "newest_postgres"
    for url in _database(request.getfixturevalue(kind)):
        yield PostgresTeller(url)
