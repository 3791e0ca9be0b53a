"""No statement of the hot path or of the log scans a big table of PostgreSQL: there is an index for each."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from tests.conformance.conftest import TEMPLATE
from tests.support.postgres import Cluster

from reelhook.store.postgres.texts import POSTGRES, translate
from reelhook.store.statements import texts_of

BIG = (
    "events", "deliveries", "attempts", "attempt_details", "later_deliveries", "queue", "ordered", "keys", "rollups",
    "events_by_asset", "contexts", "tellings",
)  # fmt: skip
FILES = ("accepting", "answers", "assets", "claiming", "journal", "log", "queue", "stats", "tasks")
WIDE = (*FILES, "arrears", "partitions", "prune", "replica")
WHOLE = {
    "queue.waiting": "one seek for each endpoint, which the planner calls a scan of an index",
    "queue.count_waiting": "counts the queue, now and then, beside the loop",
}
_SCAN = re.compile(r"Seq Scan on (\w+)")


def _statements(files: Sequence[str]) -> Iterator[str]:
    for file in files:
        for name, sql in texts_of(POSTGRES, file).items():
            if translate(sql).sql and f"{file}.{name}" not in WHOLE:
                yield f"{file}.{name}"


@pytest.mark.parametrize("name", list(_statements(FILES)))
def test_no_statement_scans_a_big_table(newest_postgres: Cluster, name: str) -> None:
    file, _, statement = name.partition(".")
    sql = translate(texts_of(POSTGRES, file)[statement]).sql
    # Empty tables are always scanned, unless that is forbidden: then only what has no index is.
    plan = newest_postgres.sql(f"SET enable_seqscan = off; EXPLAIN (GENERIC_PLAN) {sql}", TEMPLATE)
    scanned = {re.sub(r"_(\d+|default)$", "", table) for table in _SCAN.findall(plan)}
    assert not scanned & set(BIG), plan


def test_an_event_is_looked_for_in_one_partition(newest_postgres: Cluster) -> None:
    plan = newest_postgres.sql("EXPLAIN (GENERIC_PLAN) SELECT data FROM events WHERE id = $1", TEMPLATE)
    assert "Append" in plan
    low = newest_postgres.sql("SELECT min(low) FROM partitions WHERE parent = 'events'", TEMPLATE).strip()
    plan = newest_postgres.sql(f"EXPLAIN SELECT data FROM events WHERE id = {low}", TEMPLATE)
    assert "Append" not in plan
    assert f"events_{low}" in plan


# The same on tables that are full: 98 endpoints, one of them with half of all, and rows of which statistics are known.

FILL = """
INSERT INTO events (id, app_id, type, occurred_at, accepted_at, data, deliveries)
  SELECT {low} + 8 * n, 'default', 'asset.' || n % 7, n, n, convert_to(repeat('x', 500), 'UTF8'), 1
  FROM generate_series(1, {rows}) n;
INSERT INTO deliveries (id, app_id, event_id, event_type, endpoint_id, state, attempts, step, rescues, trigger,
                        next_attempt_at, updated_at, last_attempt_id)
  SELECT {low} + 8 * n + 1, 'default', {low} + 8 * n, 'asset.' || n % 7,
         CASE WHEN n % 2 = 0 THEN 1 ELSE 2 + n % 97 END,
         CASE WHEN n % 3 = 0 THEN 'delivered' WHEN n % 1000 = 1 THEN 'sending' ELSE 'retrying' END,
         1, 1, 0, 'schedule', CASE WHEN n % 3 > 0 AND n % 1000 <> 1 THEN n END, n, {low} + 8 * n + 2
  FROM generate_series(1, {rows}) n;
INSERT INTO queue SELECT endpoint_id, next_attempt_at, id FROM deliveries WHERE state = 'retrying';
INSERT INTO attempts (id, app_id, delivery_id, event_id, event_type, endpoint_id, endpoint_version, number, at,
                      succeeded, status_code, trigger, duration_ms)
  SELECT id + 1, app_id, id, event_id, event_type, endpoint_id, 1, 1, updated_at, (state = 'delivered')::int,
         CASE WHEN state = 'delivered' THEN 200 ELSE 503 END, 'schedule', 1 FROM deliveries;
INSERT INTO attempt_details (id, head, truncated, timing, replayed, renewed)
  SELECT id, '', 0, '', 0, 0 FROM attempts;
"""
ROWS = 30_000
ENDPOINTS = 98
FULL = ("events", "deliveries", "attempts", "attempt_details", "queue")


class Full:
    """A database with full tables; `low` is the first id of a partition."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        cluster.database("full", TEMPLATE)
        self.low = int(self.sql("SELECT min(low) FROM partitions WHERE parent = 'events'"))
        self.sql(FILL.format(low=self.low, rows=ROWS))
        self.sql("VACUUM ANALYZE")
        self.tables = {*FULL, *(f"{table}_{self.low}" for table in FULL)}

    def sql(self, text: str) -> str:
        return self._cluster.sql(text, "full")

    def run(self, name: str, **bindings: str) -> dict[str, Any]:
        """Run a statement as it is run in the end, with a plan for all parameters, and return what it did."""
        file, _, statement = name.partition(".")
        text = translate(texts_of(POSTGRES, file)[statement])
        values = ", ".join(bindings[one] for one in text.names) if text.names else ", ".join(bindings.values())
        said = self.sql(
            f"SET plan_cache_mode = force_generic_plan; PREPARE asked AS {text.sql};"
            f" EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE asked({values})"
        )
        plan: dict[str, Any] = json.loads(said)[0]["Plan"]
        return plan


@pytest.fixture(scope="module")
def full(newest_postgres: Cluster) -> Iterator[Full]:
    yield Full(newest_postgres)
    newest_postgres.drop("full")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every node of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def looked_at(plan: dict[str, Any], index: str) -> int:
    """Return how many entries of an index a plan has looked at, by nothing but the index."""
    found = [one for one in nodes(plan) if one.get("Index Name") == index]
    assert found
    assert {one["Node Type"] for one in found} == {"Index Only Scan"}
    return sum(round(one["Actual Rows"] * one["Actual Loops"]) for one in found)


def scanned(plan: dict[str, Any], full: Full) -> set[str]:
    """Return the full tables that were read from their beginning to their end."""
    return {one["Relation Name"] for one in nodes(plan) if one["Node Type"] == "Seq Scan"} & full.tables


def test_a_claim_looks_at_what_it_takes_and_at_one_row_more(full: Full) -> None:
    asked = {"claim": "'{0,1}'", "endpoint_id": "'{1,5}'", "due": f"'{{{ROWS},{ROWS}}}'", "most": "'{20,20}'"}
    plan = full.run("claiming.due", **asked)
    assert looked_at(plan, "queue_pkey") == 42
    assert scanned(plan, full) == set()
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 600


def test_a_survey_looks_at_one_row_of_each_endpoint(full: Full) -> None:
    plan = full.run("queue.waiting", shards="'[1,2,3]'")
    assert looked_at(plan, "queue_pkey") == ENDPOINTS
    assert scanned(plan, full) == set()


def test_the_next_due_time_of_an_endpoint_is_one_row(full: Full) -> None:
    assert looked_at(full.run("queue.next_due", endpoint_id="1"), "queue_pkey") == 1


@pytest.mark.parametrize("name", list(_statements(WIDE)))
def test_no_statement_scans_a_full_table(full: Full, name: str) -> None:
    file, _, statement = name.partition(".")
    plan = full.sql(f"EXPLAIN (GENERIC_PLAN) {translate(texts_of(POSTGRES, file)[statement]).sql}")
    assert set(_SCAN.findall(plan)) & full.tables == set(), plan
