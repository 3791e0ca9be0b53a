"""`python -m bench.logs`: pages of a log with 1,000,000 attempts against the same pages of one with 1,000.

Both logs lie in files of their own, their indexes caught up but for the newest seconds; each page is read through the
store, thread and all, so often that its median is steady.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

import apsw
import msgspec

from bench import figures, machine
from reelhook.model import ids
from reelhook.model.access import App
from reelhook.model.audit import AuditEntry
from reelhook.model.endpoint import Endpoint
from reelhook.model.page import LogFilter
from reelhook.store.sqlite import SqliteOptions, SqliteStore

START: Final = 1_795_242_600_000
APART_MS: Final = 20
"""So far apart are the attempts of the seeded log."""
ENDPOINTS: Final = 20
ONE: Final = ids.id_at(START - 60_000)
"""The first endpoint; the others follow it."""

SEED: Final = """
CREATE TEMP TABLE seed AS
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
SELECT :first + i * :step AS id, i, i % 500 = 499 AS far, i % 20 AS place,
  i % 25 = 24 AS failed, i % 5000 = 524 AS rare,
  CASE WHEN i % 2000 = 100 THEN 'live.ended' WHEN i % 3 = 0 THEN 'asset.uploaded' ELSE 'asset.updated' END AS type
FROM n;
INSERT INTO events (id, app_id, type, occurred_at, accepted_at, data, deliveries)
SELECT id, iif(far, 'far', 'default'), type, 0, 0,
  CAST('{"asset": {"id": "v' || i / 4 || '", "title": "' || hex(zeroblob(300)) || '"}}' AS BLOB), 1 FROM seed;
INSERT INTO deliveries (id, app_id, event_id, endpoint_id, state, attempts, step, rescues, trigger, updated_at,
                        last_attempt_id)
SELECT id + 1, iif(far, 'far', 'default'), id, iif(far, :far, :one + place), iif(failed, 'failed', 'delivered'), 1, 1,
  0, 'schedule', 0, id + 2 FROM seed;
INSERT INTO attempts (id, app_id, delivery_id, event_id, event_type, endpoint_id, endpoint_version, number, at,
                      succeeded, status_code, trigger, duration_ms)
SELECT id + 2, iif(far, 'far', 'default'), id + 1, id, type, iif(far, :far, :one + place), 1, 1, 0, NOT failed,
  CASE WHEN rare THEN 410 WHEN failed THEN 500 ELSE 200 END, 'schedule', 5.0 FROM seed;
INSERT INTO attempt_details (id, head, prefix, suffix, truncated, timing, replayed)
SELECT id + 2, CAST('POST / HTTP/1.1' AS BLOB), x'7b', x'7d', 0, CAST('[1,1,1,1,5]' AS BLOB), 0 FROM seed;
DROP TABLE seed;
"""


class Standing:
    """A clock that stands behind the newest attempt, so that all but the last seconds of the log are indexed."""

    def __init__(self, count: int) -> None:
        self._time = START + count * APART_MS

    def now(self) -> int:
        return self._time

    def wall(self) -> int:
        return self._time


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.logs", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="attempts of the large log (1000000)")
    parser.add_argument("--times", type=int, default=40, help="how often each page is read (40)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        small = asyncio.run(measure(Path(directory) / "small.db", 1000, asked.times))
        large = asyncio.run(measure(Path(directory) / "large.db", asked.count, asked.times))
    found: dict[str, Any] = {
        name: {"1,000 rows (ms)": small[name], f"{asked.count:,} rows (ms)": large[name], "ratio": large[name] / took}
        for name, took in small.items()
    }
    found["median ratio"] = median(large[name] / took for name, took in small.items())
    found["machine"] = machine.describe()
    print(figures.write("pages of 50 of the log, median time", found))


async def measure(path: Path, count: int, times: int) -> dict[str, float]:
    """Fill a log with so many attempts and return the median time (ms) of each page."""
    clock = Standing(count)
    store = SqliteStore(SqliteOptions(path), clock, ids.IdSource())
    await _fill(store, path, count)
    while await store.upkeep.index(20_000):
        pass
    found = {}
    for name, page in pages(count).items():
        took = []
        for _ in range(times):
            began = time.perf_counter()
            await page(store)
            took.append((time.perf_counter() - began) * 1000)
        found[name] = median(took)
    await store.close()
    return found


def pages(count: int) -> dict[str, Callable[[SqliteStore], Awaitable[Any]]]:
    """Return the pages that are read, by name."""
    middle = START + count * APART_MS // 2
    filters: dict[str, dict[str, Any]] = {
        "attempts: all": {},
        "attempts: all, from the middle": {"until": middle},
        "attempts: of an endpoint": {"endpoint_id": ONE + 3},
        "attempts: of an endpoint, failed": {"endpoint_id": ONE + 4, "status": "failed"},
        "attempts: of an endpoint, from the middle": {"endpoint_id": ONE + 3, "until": middle},
        "attempts: failed": {"status": "failed"},
        "attempts: succeeded": {"status": "succeeded"},
        "attempts: of a type": {"event_type": "asset.uploaded"},
        "attempts: of a rare type": {"event_type": "live.ended"},
        "attempts: of an endpoint and a type": {"endpoint_id": ONE + 3, "event_type": "asset.uploaded"},
        "attempts: with a rare status": {"status_code": 410},
        "attempts: of another, small app": {"app_id": "far"},
        "attempts: text, an asset": {"text": f"v{count // 8}"},
        "attempts: text, an endpoint's name": {"text": "Endpoint 7"},
        "attempts: text, nothing": {"text": "nothing like it"},
    }
    found: dict[str, Callable[[SqliteStore], Awaitable[Any]]] = {
        name: _reader("attempts", where) for name, where in filters.items()
    }
    found["deliveries: all"] = _reader("deliveries", {})
    found["deliveries: of an endpoint, failed"] = _reader("deliveries", {"endpoint_id": ONE + 4, "state": "failed"})
    found["deliveries: of a rare type"] = _reader("deliveries", {"event_type": "live.ended"})
    found["events: of a rare type"] = _reader("events", {"event_type": "live.ended"})
    found["one attempt"] = lambda store: store.log.attempt("default", ids.id_at(middle) + 2)
    return found


def _reader(table: str, where: dict[str, Any]) -> Callable[[SqliteStore], Awaitable[Any]]:
    chosen = LogFilter(**{"app_id": "default", **where})
    return lambda store: getattr(store.log, table)(chosen, None, 50)


async def _fill(store: SqliteStore, path: Path, count: int) -> None:
    entry = AuditEntry(ONE - 1, "far", START, "system", "bench", "log")
    await store.apps.add(App("far", "Far", START, START), entry)
    for place in range(ENDPOINTS + 1):
        app_id = "far" if place == ENDPOINTS else "default"
        endpoint = Endpoint(ONE + place, app_id, 1, f"https://{place}.example/", START, START, f"Endpoint {place}")
        await store.endpoints.add(endpoint, msgspec.structs.replace(entry, id=ONE + place, app_id=app_id))
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(60_000)
    connection.execute("PRAGMA synchronous = OFF")
    bounds = {"count": count, "first": ids.id_at(START), "step": ids.id_at(ids.EPOCH_MS + APART_MS)}
    connection.execute("BEGIN")
    connection.execute(SEED, {**bounds, "one": ONE, "far": ONE + ENDPOINTS})
    connection.execute("COMMIT")
    connection.close()


if __name__ == "__main__":
    main()
