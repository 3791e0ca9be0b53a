"""No statement of the hot path or of the log scans a big table of PostgreSQL: there is an index for each."""

import re
from collections.abc import Iterator

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
WHOLE = {
    "queue.waiting": "one seek for each endpoint, which the planner calls a scan of an index",
    "queue.count_waiting": "counts the queue, now and then, beside the loop",
}
_SCAN = re.compile(r"Seq Scan on (\w+)")


def _statements() -> Iterator[str]:
    for file in FILES:
        for name, sql in texts_of(POSTGRES, file).items():
            if translate(sql).sql and f"{file}.{name}" not in WHOLE:
                yield f"{file}.{name}"


@pytest.mark.parametrize("name", list(_statements()))
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
