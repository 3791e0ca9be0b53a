"""What the bench loads to measure large databases is what the program would have written there itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.scale import shape
from bench.scale.filling import Filling, PostgresFilling, SqliteFilling
from bench.scale.shape import Step
from tests.conformance.conftest import Cluster
from tests.conformance.invariants import check_postgres, check_sqlite

from reelhook.model.page import LogFilter
from reelhook.store.queue import count_waiting

STEP = Step(endpoints=120, retries=600, attempts=4_400)


@pytest.fixture(params=["sqlite", "postgres"])
def filling(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Filling]:
    if request.param == "sqlite":
        path = tmp_path / "reelhook.db"
        yield SqliteFilling(path)
        check_sqlite(path)
        return
    cluster: Cluster = request.getfixturevalue("oldest_postgres")
    url = cluster.database("filled_by_the_bench")
    yield PostgresFilling(url)
    check_postgres(url)
    cluster.drop("filled_by_the_bench")


def test_a_step_holds_what_its_name_says_and_breaks_no_rule(filling: Filling) -> None:
    filling.fill(STEP, 9)
    waiting, attempts, due = filling.ask(_look)
    assert (waiting, attempts) == (STEP.retries, STEP.attempts)
    assert due == shape.CLAIMED
    filling.add_backlog()
    waiting, _, due = filling.ask(_look)
    assert waiting == STEP.retries + shape.BACKLOG
    assert due == shape.CLAIMED + shape.DRAINED


async def _look(store):
    heads = await _answer(store.queue.waiting())
    now = store.upkeep._clock.now()
    attempts = 0
    async for part in store.log.export(LogFilter("default")):
        attempts += len(part)
    waiting = await store._reading.run(count_waiting)
    return waiting[0], attempts, sum(due <= now for due in heads.values())


async def _answer(asked):
    return asked if isinstance(asked, dict) else await asked
