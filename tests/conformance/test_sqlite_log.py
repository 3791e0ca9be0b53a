"""No page of the log looks at more than a bounded number of rows, and none scans a big table."""

import re

import apsw
import pytest
from tests.conformance.conftest import SqliteTeller, Teller
from tests.conformance.town import Town, check_all
from tests.conformance.world import World

from reelhook.store import listings, scan, search
from reelhook.store.log_statements import LOG_SQL
from reelhook.store.statements import statements

BIG = (
    "events",
    "deliveries",
    "attempts",
    "attempt_details",
    "later_deliveries",
    "queue",
    "ordered",
    "keys",
    "rollups",
    "attempts_by_endpoint",
    "attempts_by_type",
    "deliveries_by_endpoint",
    "deliveries_by_type",
    "events_by_type",
    "events_by_asset",
    "contexts",
    "tellings",
)
FILES = ("tasks", "arrears", "prune", "stats", "answers", "assets")


def plans() -> dict[str, str]:
    texts = {f"log.{name}": sql for name, sql in LOG_SQL.items()}
    for file in FILES:
        texts.update({f"{file}.{name}": sql for name, sql in statements(file).items()})
    return texts


def with_one_row(sql: str) -> str:
    """Put one row, of as many values as there are columns, in the place of `:rows`."""
    columns = re.search(r"\(([\w,\s]+)\)\s+(?:IN \()?VALUES :rows", sql)
    values = ", ".join(f":value{place}" for place in range(columns[1].count(",") + 1 if columns else 1))
    return sql.replace("IN (VALUES :rows)", f"IN (SELECT {values})").replace("VALUES :rows", f"VALUES ({values})")


@pytest.mark.parametrize("name", sorted(plans()))
def test_no_statement_scans_a_big_table(tell_sqlite: SqliteTeller, name: str) -> None:
    sql = with_one_row(plans()[name])

    async def story(world: World) -> None:
        connection = apsw.Connection(str(tell_sqlite.path))
        bindings: object = dict.fromkeys(re.findall(r":(\w+)", sql)) or (None,) * sql.count("?")
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", bindings)]
        connection.close()
        aliases = {alias: table for table, alias in re.findall(r"(?:FROM|JOIN) (\w+) (\w)\b", sql)}
        scanned = {match[1] for step in steps if (match := re.match(r"SCAN (\w+)", step))}
        assert not {aliases.get(one, one) for one in scanned} & set(BIG), steps
        assert not [step for step in steps if "AUTOMATIC" in step]

    tell_sqlite(story)


@pytest.mark.parametrize("limit", [1, 4])
@pytest.mark.parametrize("most_streams", [0, 100])
def test_bounded_searches_leave_nothing_out(
    tell: Teller, monkeypatch: pytest.MonkeyPatch, limit: int, most_streams: int
) -> None:
    monkeypatch.setattr(scan, "BUDGET", 3)
    monkeypatch.setattr(listings, "BUDGET", 3)
    monkeypatch.setattr(listings, "_MOST_DELIVERIES", 2)
    monkeypatch.setattr(listings, "_MOST_STREAMS", most_streams)
    monkeypatch.setattr(search, "_MOST_EVENTS", 1)

    async def story(world: World) -> None:
        town = await Town(world).build()
        for _ in range(2):
            await check_all(world, town, limit)
            for app_id in ("default", "acme"):
                found = [one.id for one in await world.attempts(app_id=app_id, text="v3", limit=limit)]
                assert found == town.expected(app_id, asset="v3")
                found = [one.event_id for one in await world.deliveries(app_id=app_id, text="v3", limit=limit)]
                assert found == [one.id for one in await world.events(app_id=app_id, text="v3", limit=limit)]
                assert len(found) == len(town.expected(app_id, asset="v3"))
            failed = [
                one["event_id"] for one in town.attempts if one["app_id"] == "default" and one["status"] == "failed"
            ]
            assert [one.event_id for one in await world.deliveries(state="failed", limit=limit)] == failed[::-1]
            await world.index()

    tell(story)


def test_a_search_that_finds_nothing_stops_at_its_bound_and_says_where_to_go_on(
    tell_sqlite: SqliteTeller, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Row by row goes only what SQLite has not indexed yet; PostgreSQL's indexes are never behind.
    monkeypatch.setattr(scan, "BUDGET", 2)

    async def story(world: World) -> None:
        town = await Town(world).build()
        page = await world.store.log.attempts(world.where(status_code=204), None, 5)
        assert page.items == ()
        assert page.next is not None
        seen = 1
        while page.next:
            page = await world.store.log.attempts(world.where(status_code=204), page.next, 5)
            assert page.items == ()
            seen += 1
        assert seen == -(-len(town.attempts) // 8), "four searches of two rows a page"

    tell_sqlite(story)
