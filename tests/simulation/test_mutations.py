"""The checker can fail: each invariant finds a lie that is planted into the engine or the store."""

import os
from pathlib import Path

import pytest
from tests.simulation import lies_on_record, lies_to_publishers, lies_to_receivers
from tests.simulation.invariants import EVERY_NAME
from tests.simulation.lies import Lie, lies_of
from tests.simulation.verdict import Verdict, judged

pytestmark = pytest.mark.skipif("SEED" in os.environ, reason="one world is replayed")
LIES = [lie for module in (lies_to_publishers, lies_to_receivers, lies_on_record) for lie in lies_of(module)]
MOST_WORLDS = 20
"""A lie is found in a world that is known to expose it, or in one of so many others."""


def judged_with(lie: Lie, seed: int, folder: Path) -> Verdict:
    with pytest.MonkeyPatch.context() as patch:
        lie.plant(patch)
        return judged(seed, folder)


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_a_lie_is_found_by_the_invariant_that_forbids_it(lie: Lie, folder: Path) -> None:
    worlds = (judged_with(lie, seed, folder) for seed in (*lie.known, *range(MOST_WORLDS)))
    assert any(lie.invariant in verdict.broken for verdict in worlds), (
        f"nobody notices that {lie.invariant!r} is broken"
    )


def test_no_invariant_is_without_a_lie() -> None:
    assert {lie.invariant for lie in LIES} == set(EVERY_NAME)


def test_without_a_lie_the_same_worlds_keep_every_promise(folder: Path) -> None:
    seeds = sorted({seed for lie in LIES for seed in lie.known})
    assert [seed for seed in seeds if judged(seed, folder).violations] == []


def test_who_meets_a_broken_promise_is_told_the_seed_the_end_and_how_to_see_it_again(folder: Path) -> None:
    lie = lies_on_record.a_delivery_is_given_up_too_early
    verdict = judged_with(lie, lie.known[0], folder)
    told = verdict.told()
    assert told.startswith(f"world {verdict.seed} breaks {len(verdict.broken)} of its promises:\n")
    assert f"\n  {lie.invariant}: it was given up before its schedule was used up" in told
    assert f"\n{verdict.trace.text(last=1)}\n" in told
    assert told.endswith(f"make simulate SEED={verdict.seed}")
    assert judged_with(lie, verdict.seed, folder).told_whole() == verdict.told_whole()
