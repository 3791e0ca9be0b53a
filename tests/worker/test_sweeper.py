"""The sweeper: what is `sending` for our endpoints and in no hand is found."""

import asyncio

from tests.worker.virtual import LoopClock, running, virtually

from reelhook.ports import Orphans
from reelhook.telemetry import Metrics
from reelhook.worker.keeper import Lease
from reelhook.worker.sweeper import Sweeper


def sweep(shards: set[int], seconds: float, *, jump: int = 0) -> list[tuple[float, Orphans]]:
    """Return what a sweeper asked for in so many seconds, and when; the wall clock is off by `jump` (ms)."""
    asked: list[tuple[float, Orphans]] = []

    async def rescue(orphans: Orphans) -> int:
        asked.append((asyncio.get_running_loop().time(), orphans))
        return 0

    async def live() -> None:
        ownership = Lease().shards()
        ownership.renewed(dict.fromkeys(shards, 1), 0)
        ownership.serve(shards)
        clock = LoopClock()
        clock.jump = jump
        sweeper = Sweeper(ownership, lambda: {7, 8}, rescue, clock, Metrics("test"))
        await running(sweeper, asyncio.sleep(seconds))

    virtually(live())
    return asked


def test_it_looks_for_old_claims_of_the_shards_that_are_served_and_leaves_out_what_is_in_hand() -> None:
    (first, orphans), (second, _) = sweep({1, 2}, 40)
    assert second - first == 30
    assert (orphans.shards, orphans.in_hand) == ({1, 2}, {7, 8})
    assert orphans.claimed_before is not None


def test_a_wall_clock_that_is_moved_makes_no_claim_old() -> None:
    (_, before), *_ = sweep({1}, 1)
    (_, after), *_ = sweep({1}, 1, jump=3_600_000)
    assert before.claimed_before == after.claimed_before


def test_a_node_without_shards_looks_for_nothing() -> None:
    assert not sweep(set(), 100)
