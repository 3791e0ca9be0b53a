"""Fills a database with a step: endpoints through the store, what is many by statements, straight into the tables."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from bench.installations import SEALED_WITH, Installation, PostgresInstallation, SqliteInstallation
from bench.scale import shape, statements
from bench.scale.endpoints import WAITING, endpoint, entry_of
from bench.scale.shape import Day, Step
from bench.session import Session
from reelhook.clock import SystemClock
from reelhook.model import ids
from reelhook.model.secret import Secret
from reelhook.store.connection import SqliteConnection
from reelhook.store.postgres.store import PostgresOptions, PostgresStore
from reelhook.store.sqlite import SqliteOptions, SqliteStore

T = TypeVar("T")
Store = SqliteStore | PostgresStore
_HEALTH: Final = """
INSERT INTO endpoint_health (endpoint_id, failing_since, last_success_at, last_failure_at)
SELECT {first} + i, CASE WHEN i >= {waiting} AND i % 10 = 0 THEN {now} - 9000000 END, {now} - 9500000, {now} - 9000000
FROM {numbers}
"""


class Filling(ABC):
    """Fills one installation."""

    words: statements.Words

    def __init__(self) -> None:
        self.first_endpoint = 0
        self._last_day: Day | None = None

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """Open the real store on it."""
        store = await self._open(SystemClock(), ids.IdSource())
        try:
            yield store
        finally:
            await store.close()

    def ask(self, question: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
        """Open the store for one question."""

        async def asked() -> T:
            async with self.store() as store:
                return await question(store)

        return asyncio.run(asked())

    def fill(self, step: Step, receiver_port: int) -> None:
        """Put everything of a step into it."""
        asyncio.run(self._add_endpoints(step.endpoints, receiver_port))
        numbers = self.words.numbers.format(count=step.endpoints, name="i")
        now = SystemClock().wall()
        self.run([_HEALTH.format(first=self.first_endpoint, waiting=WAITING, now=now, numbers=numbers)])
        made = shape.days(step, self.first_endpoint)
        self._last_day = made[-1]
        self._load(made)

    def add_backlog(self) -> None:
        """Add what is due at the next start."""
        if self._last_day is None:
            raise RuntimeError("nothing was filled in")
        self.run(statements.texts(statements.BACKLOG, self._last_day, self.words))

    async def _add_endpoints(self, count: int, port: int) -> None:
        clock = SystemClock()
        async with self.store() as store:
            source = ids.IdSource()
            now = clock.wall()
            self.first_endpoint = source.take(now, count)
            for start in range(0, count, 500):
                places = range(start, min(count, start + 500))
                made = [endpoint(self.first_endpoint + place, place, count, port, now) for place in places]
                await asyncio.gather(*[store.endpoints.add(one, entry_of(one)) for one in made])

    @abstractmethod
    async def _open(self, clock: SystemClock, source: ids.IdSource) -> Store: ...

    @abstractmethod
    def _load(self, days: list[Day]) -> None: ...

    @abstractmethod
    def run(self, texts: list[str]) -> None:
        """Run statements in one transaction."""


class SqliteFilling(Filling):
    """Fills a file."""

    words = statements.SQLITE

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def _open(self, clock: SystemClock, source: ids.IdSource) -> SqliteStore:
        return SqliteStore(SqliteOptions(self._path, Secret(SEALED_WITH)), clock, source)

    def _load(self, days: list[Day]) -> None:
        for day in days:
            self.run(statements.texts(statements.PAST, day, self.words))
        asyncio.run(self._index())

    async def _index(self) -> None:
        async with self.store() as store:
            while await store.upkeep.index(100_000):
                pass

    def run(self, texts: list[str]) -> None:
        connection = SqliteConnection(str(self._path))
        connection.execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN").fetchall()
        for text in texts:
            connection.execute(text)
        connection.execute("COMMIT")
        connection.close()


class PostgresFilling(Filling):
    """Fills a database: each day's tables are filled first and made partitions, with their indexes, afterwards."""

    words = statements.POSTGRES

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    async def _open(self, clock: SystemClock, source: ids.IdSource) -> PostgresStore:
        return await PostgresStore.open(PostgresOptions(self._url, Secret(SEALED_WITH)), clock, source)

    def _load(self, days: list[Day]) -> None:
        for day in days:
            suffix = f"_{day.low}"
            bounds = f"FOR VALUES FROM ({day.low}) TO ({day.high})"
            tables = statements.PARTED
            make = [
                f"CREATE TABLE {one}{suffix} (LIKE {one} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)" for one in tables
            ]
            attach = [f"ALTER TABLE {one} ATTACH PARTITION {one}{suffix} {bounds}" for one in tables]
            note = [f"INSERT INTO partitions VALUES ('{one}', {day.low}, {day.high})" for one in tables]
            assets = [
                f"SELECT reelhook_partition('events_by_asset', {day.low}, {day.high})",
                _ASSETS.format(suffix=suffix),
            ]
            self.run([*make, *statements.texts(statements.PAST, day, self.words, suffix), *attach, *note, *assets])
        self._execute(["VACUUM ANALYZE"])

    def run(self, texts: list[str]) -> None:
        self._execute(["BEGIN", *texts, "COMMIT"])

    def _execute(self, texts: list[str]) -> None:
        with Session(self._url) as session:
            session.run("SET maintenance_work_mem = '256MB'")
            for text in texts:
                session.run(text)


_ASSETS: Final = """
INSERT INTO events_by_asset (app_id, asset, id)
SELECT app_id, convert_from(data, 'UTF8')::json -> 'asset' ->> 'id', id FROM events{suffix} ORDER BY 1, 2, 3
"""


def filling_of(installation: Installation) -> Filling:
    """Return what fills an installation."""
    if isinstance(installation, PostgresInstallation):
        return PostgresFilling(installation.url)
    if isinstance(installation, SqliteInstallation):
        return SqliteFilling(installation.path)
    raise TypeError(f"nothing fills {type(installation).__name__}")
