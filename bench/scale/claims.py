"""What the queue costs on a step, measured in this process through the real store: claims, what the dispatcher asks
beside them, and how many pages the statement that finds a claim's deliveries looks at.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from statistics import median
from typing import Final, TypeVar

import apsw

from bench.installations import Installation, PostgresInstallation, SqliteInstallation
from bench.scale import shape
from bench.scale.filling import Filling, Store
from bench.session import Session
from reelhook.clock import SystemClock
from reelhook.model import ids
from reelhook.ports import Claimed, Taken
from reelhook.store.postgres.texts import POSTGRES, translate
from reelhook.store.statements import statements, texts_of

T = TypeVar("T")
ROUNDS: Final = 6
_BYTES: Final = 1 << 26


def claims(filling: Filling) -> dict[str, float]:
    """Return medians in milliseconds."""
    return asyncio.run(_measure(filling.store(), filling.first_endpoint))


async def _measure(opening: AbstractAsyncContextManager[Store], first: int) -> dict[str, float]:
    clock, source = SystemClock(), ids.IdSource()
    took: dict[str, list[float]] = defaultdict(list)

    async def timed(name: str, asked: Awaitable[T] | T) -> T:
        found = await asked if isinstance(asked, Awaitable) else asked
        took[name].append((time.perf_counter() - began) * 1000)
        return found

    async with opening as store:
        for _ in range(ROUNDS):
            taken: list[Claimed] = []
            for endpoint_id in range(first, first + shape.CLAIMED):
                began = time.perf_counter()
                await timed("next due of an endpoint (ms)", store.queue.next_due(endpoint_id))
                claim_id, now = source.take(clock.wall()), clock.now()
                began = time.perf_counter()
                claiming = store.queue.claim(endpoint_id, shape.BATCH, now, claim_id, _BYTES)
                outcome: Taken = await timed(f"claim of {shape.BATCH} (ms)", claiming)
                taken += outcome.claimed
            if len(taken) != shape.CLAIMED * shape.BATCH:
                raise RuntimeError(f"{len(taken)} deliveries were claimed")
            began = time.perf_counter()
            await timed("survey of the queue (ms)", store.queue.waiting())
            await store.queue.release(taken)
    return {name: median(times) for name, times in took.items()}


def pages(installation: Installation, first: int) -> float:
    """Return how many pages of the database are looked at to find the deliveries of one claim."""
    now = SystemClock().now()
    if isinstance(installation, PostgresInstallation):
        sql = translate(texts_of(POSTGRES, "claiming")["due"]).sql
        with Session(installation.url) as session:
            asked = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"
            plan = session.plan(asked, [0], [first], [now], [shape.BATCH])
        return float(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    if isinstance(installation, SqliteInstallation):
        connection = apsw.Connection(str(installation.path))
        bindings = {"endpoint_id": first, "due": now, "most": shape.BATCH}
        connection.execute(statements("queue")["due"], bindings).fetchall()
        touched = sum(connection.status(counter)[0] for counter in _TOUCHED)
        connection.close()
        return float(touched)
    raise TypeError(f"nothing tells the pages of {type(installation).__name__}")


_TOUCHED: Final = (apsw.SQLITE_DBSTATUS_CACHE_HIT, apsw.SQLITE_DBSTATUS_CACHE_MISS)
