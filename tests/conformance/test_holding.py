"""An installation on hold, and how it goes on: at once, or at a rate, also when the release was cut off."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.conformance.beside import connected
from tests.conformance.conftest import Teller
from tests.conformance.world import MINUTE, World

from reelhook.model.audit import AuditEntry
from reelhook.model.delivery import State
from reelhook.store import holding
from reelhook.store.holding import Waiting, held_since, hold, release, waiting
from reelhook.store.sql import Connection

SECOND = 1000


@pytest.fixture
def beside(tell: Teller) -> Iterator[Connection]:
    """A connection of somebody who is no server."""
    with connected(tell) as connection:
        yield connection


@pytest.fixture
def backlog(tell: Teller) -> list[int]:
    """Four events for each of two endpoints, all due; one delivery that is due in an hour."""

    async def story(world: World) -> list[int]:
        one, other, later = [await world.endpoint(name=name) for name in ("one", "other", "later")]
        for _ in range(4):
            await world.publish(one, other)
        await world.publish(later)
        await world.send(later, status=500, state=State.RETRYING, due_at=world.clock.time + 60 * MINUTE)
        return sorted(each.id for each in await world.deliveries() if each.state == "pending")

    made: list[int] = tell(story)
    return made


def entry(tell: Teller, action: str) -> AuditEntry:
    return AuditEntry(tell.ids.take(tell.clock.time), "default", tell.clock.time, "system", action, "default")


def due_times(tell: Teller) -> dict[int, int]:
    """Return when each delivery that waits is due, having checked that the queue says the same."""

    async def story(world: World) -> dict[int, int]:
        return {each.id: each.next_attempt_at or 0 for each in await world.deliveries()}

    found: dict[int, int] = tell(story)
    return found


def let_go(tell: Teller, beside: Connection, rate: float | None, **more: Any) -> int:
    return release(beside, tell.clock.time, rate, entry(tell, "installation.release"), **more)


def test_a_hold_lasts_through_restarts_until_it_is_released(tell: Teller, beside: Connection) -> None:
    async def told(world: World) -> tuple[int | None, list[str]]:
        page = await world.store.audit.page("default", None, 10)
        return await world.store.upkeep.held_since(), [each.action for each in page.items]

    assert tell(told) == (None, [])
    begun = tell.clock.time
    assert hold(beside, begun, entry(tell, "installation.hold"))
    tell.clock.move(MINUTE)
    assert not hold(beside, tell.clock.time, entry(tell, "installation.hold")), "it is on hold already"
    assert tell(told) == (begun, ["installation.hold"])
    assert let_go(tell, beside, None) == 0
    assert tell(told) == (None, ["installation.release", "installation.hold"])


def test_a_release_without_a_rate_leaves_all_times_as_they_were(
    tell: Teller, beside: Connection, backlog: list[int]
) -> None:
    before = due_times(tell)
    hold(beside, tell.clock.time, entry(tell, "installation.hold"))
    assert waiting(beside, tell.clock.time) == Waiting(9, 8)
    let_go(tell, beside, None)
    assert due_times(tell) == before


@pytest.mark.fault("R29")
@pytest.mark.parametrize("part", [3, 5000])
def test_a_release_at_a_rate_gives_each_that_is_due_a_time_of_its_own_in_the_order_of_acceptance(
    tell: Teller, beside: Connection, backlog: list[int], part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "_FEWEST", part)
    before = due_times(tell)
    hold(beside, tell.clock.time, entry(tell, "installation.hold"))
    tell.clock.move(10 * SECOND)
    now = tell.clock.time
    parts: list[int] = []
    assert let_go(tell, beside, 2, told=parts.append) == 8
    assert parts == ([3, 6, 8] if part == 3 else [8])
    after = due_times(tell)
    assert [after[each] for each in backlog] == [now + place * SECOND // 2 for place in range(8)]
    assert {each: at for each, at in after.items() if each not in backlog} == {
        each: at for each, at in before.items() if each not in backlog
    }, "what is due later stays due then"


@pytest.mark.fault("R29")
def test_a_release_that_was_cut_off_is_still_on_hold_and_keeps_the_rate_when_it_is_given_again(
    tell: Teller, beside: Connection, backlog: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "_FEWEST", 3)
    hold(beside, tell.clock.time, entry(tell, "installation.hold"))
    with pytest.raises(KeyboardInterrupt):
        let_go(tell, beside, 0.01, told=_cut_off_after(6))
    assert held_since(beside) is not None
    tell.clock.move(5 * SECOND)
    now = tell.clock.time
    let_go(tell, beside, 0.01)
    after = due_times(tell)
    assert [after[each] for each in backlog] == [now + place * 100 * SECOND for place in range(8)]
    assert held_since(beside) is None


@pytest.fixture
def cut_off(tell: Teller, beside: Connection, backlog: list[int], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A release at one in a hundred seconds that was cut off when six of eight had their times."""
    monkeypatch.setattr(holding, "_FEWEST", 3)
    hold(beside, tell.clock.time, entry(tell, "installation.hold"))
    with pytest.raises(KeyboardInterrupt):
        let_go(tell, beside, 0.01, told=_cut_off_after(6))
    tell.clock.move(5 * SECOND)
    return backlog


@pytest.mark.fault("R29")
def test_a_faster_release_spreads_anew_what_one_that_was_cut_off_had_put_off(
    tell: Teller, beside: Connection, cut_off: list[int]
) -> None:
    """Regression: what had its time from the slower one kept it."""
    assert let_go(tell, beside, 2) == 8
    after, now = due_times(tell), tell.clock.time
    assert [after[each] for each in cut_off] == [now + place * SECOND // 2 for place in range(8)]


@pytest.mark.fault("R29")
def test_each_of_several_releases_that_were_cut_off_may_be_followed_by_a_faster_one(
    tell: Teller, beside: Connection, cut_off: list[int]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        let_go(tell, beside, 0.02, told=_cut_off_after(3))
    tell.clock.move(5 * SECOND)
    assert let_go(tell, beside, 2) == 8
    after, now = due_times(tell), tell.clock.time
    assert [after[each] for each in cut_off] == [now + place * SECOND // 2 for place in range(8)]


@pytest.mark.fault("R29")
@pytest.mark.parametrize("rate", [2, None])
def test_a_retry_that_is_due_before_a_release_that_was_cut_off_would_have_ended_is_never_sent_early(
    tell: Teller, beside: Connection, cut_off: list[int], rate: float | None
) -> None:
    async def retry(world: World) -> int:
        endpoint = await world.endpoint(name="retried")
        await world.publish(endpoint)
        await world.send(endpoint, status=500, state=State.RETRYING, due_at=world.clock.time + 2 * MINUTE)
        return max(each.id for each in await world.deliveries())

    retried: int = tell(retry)
    due = due_times(tell)[retried]
    tell.clock.move(SECOND)
    let_go(tell, beside, rate)
    assert due_times(tell)[retried] == due


@pytest.mark.fault("R29")
def test_a_release_without_a_rate_lets_begin_at_once_what_one_that_was_cut_off_had_put_off(
    tell: Teller, beside: Connection, cut_off: list[int]
) -> None:
    let_go(tell, beside, None)
    assert max(due_times(tell)[each] for each in cut_off) <= tell.clock.time


@pytest.mark.fault("R29")
def test_the_next_hold_knows_nothing_of_a_release_that_was_cut_off_before_the_last_one(
    tell: Teller, beside: Connection, cut_off: list[int]
) -> None:
    let_go(tell, beside, 0.01)
    before = due_times(tell)
    hold(beside, tell.clock.time, entry(tell, "installation.hold"))
    let_go(tell, beside, None)
    assert due_times(tell) == before


def _cut_off_after(count: int) -> Callable[[int], None]:
    def told(done: int) -> None:
        if done >= count:
            raise KeyboardInterrupt

    return told


@pytest.mark.fault("R29")
def test_what_is_cancelled_in_the_moment_of_a_release_stays_cancelled(
    tell: Teller, beside: Connection, backlog: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    give_times = holding._give_times

    def cancel_one_first(connection: Connection, rows: Any, times: Any, now: int) -> None:
        connection.execute(
            "UPDATE deliveries SET state = 'cancelled', next_attempt_at = NULL WHERE id = ?", (backlog[0],)
        )
        connection.execute("DELETE FROM queue WHERE delivery_id = ?", (backlog[0],))
        give_times(connection, rows, times, now)

    monkeypatch.setattr(holding, "_give_times", cancel_one_first)
    hold(beside, tell.clock.time, entry(tell, "installation.hold"))
    let_go(tell, beside, 1)

    async def story(world: World) -> list[int]:
        return [each.id for each in await world.deliveries() if each.state == "cancelled"]

    assert tell(story) == [backlog[0]]
