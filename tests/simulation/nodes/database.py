"""The database that all nodes of a world share: a real PostgreSQL, reached over one real connection."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Self

import asyncpg
import uvloop
from tests.simulation.process import KEY
from tests.support.postgres import Cluster, servers

from reelhook.clock import SystemClock
from reelhook.model.ids import IdSource
from reelhook.store.postgres.store import PostgresOptions, PostgresStore

_NAME: Final = "world"
_SETTINGS: Final = {
    # Nothing may happen in it but what a world does, or worlds would differ from run to run.
    "autovacuum": "off",
    "max_connections": "10",
    # A plan that is made anew after some runs of a statement may find its rows in another order.
    "plan_cache_mode": "force_generic_plan",
}
_VIRTUAL_TIME: Final = """
CREATE SCHEMA simulated;
CREATE FUNCTION simulated.now() RETURNS timestamptz LANGUAGE sql STABLE AS
  $$ SELECT pg_catalog.to_timestamp(pg_catalog.current_setting('simulated.at')::float8) $$;
ALTER DATABASE world SET search_path = public, simulated, pg_catalog;
"""
_TABLES: Final = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = 'public' AND c.relname <> 'partitions' ORDER BY c.relname
"""


class SharedDatabase:
    """Runs what a node asks of PostgreSQL to its end, in the middle of a virtual loop's turn."""

    def __init__(self, cluster: Cluster) -> None:
        self._loop = uvloop.new_event_loop()
        self._pg: Any = self._loop.run_until_complete(
            asyncpg.connect(
                host=str(cluster.directory),
                port=cluster.port,
                user=cluster.url().split("//")[1].split("@")[0],
                database=_NAME,
                statement_cache_size=2000,
                max_cached_statement_lifetime=0,
            )
        )
        self._begin_anew = self._keep()

    @classmethod
    def of(cls, cluster: Cluster, wall: int) -> Self:
        """Make it, with the tables and partitions of a day (ms)."""
        asyncio.run(_migrate(cluster.database(_NAME), wall))
        cluster.sql(_VIRTUAL_TIME, _NAME)
        return cls(cluster)

    def call(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        """Call the driver, and return what the server answered."""
        running = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        try:
            return self._loop.run_until_complete(call(self._pg))
        finally:
            asyncio._set_running_loop(running)

    def run(self, script: str) -> None:
        self.call(lambda pg: pg.execute(script))

    def rows(self, sql: str) -> list[Any]:
        return [tuple(row) for row in self.call(lambda pg: pg.fetch(sql))]

    @property
    def in_transaction(self) -> bool:
        return bool(self._pg.is_in_transaction())

    def empty(self) -> None:
        """Bring it to the state in which a new installation is."""
        self.run(self._begin_anew)

    def close(self) -> None:
        self.call(lambda pg: pg.close())
        self._loop.close()

    def _keep(self) -> str:
        """Keep what the tables of a new installation hold; return the script that brings it back."""
        tables = [f"public.{name}" for (name,) in self.rows(_TABLES)]
        filled = [name for name in tables if self.rows(f"SELECT 1 FROM {name} LIMIT 1")]
        self.run("CREATE SCHEMA kept")
        for name in filled:
            self.run(f"CREATE TABLE {_kept(name)} AS SELECT * FROM {name} ORDER BY 1")
        back = [f"INSERT INTO {name} SELECT * FROM {_kept(name)}" for name in filled]
        return "; ".join([f"TRUNCATE {', '.join(tables)} RESTART IDENTITY", *back])


def _kept(name: str) -> str:
    return name.replace("public.", "kept.")


def cluster_in(folder: Path) -> Cluster:
    """Return a server of the oldest version that there is, for the worlds of one test session."""
    return Cluster(folder, servers()[min(servers(), key=int)], settings=_SETTINGS)


class _DayClock(SystemClock):
    def __init__(self, wall: int) -> None:
        super().__init__()
        self._wall = wall

    def wall(self) -> int:
        return self._wall


async def _migrate(url: str, wall: int) -> None:
    await (await PostgresStore.open(PostgresOptions(url, KEY), _DayClock(wall), IdSource())).close()
