"""The checker of worlds of nodes can fail: each of its own invariants finds a lie that is planted into the engine."""

import os

import pytest
from tests.simulation.lies import Lie, lies_of
from tests.simulation.nodes import lies_of_nodes
from tests.simulation.nodes.database import SharedDatabase
from tests.simulation.nodes.invariants import EVERY_NAME, OF_NODES
from tests.simulation.nodes.verdict import judged
from tests.simulation.verdict import Verdict

pytestmark = pytest.mark.skipif("SEED" in os.environ, reason="one world is replayed")
LIES = lies_of(lies_of_nodes)
MOST_WORLDS = 40
"""A lie is found in a world that is known to expose it, or in one of so many others."""


def judged_with(lie: Lie, seed: int, database: SharedDatabase) -> Verdict:
    with pytest.MonkeyPatch.context() as patch:
        lie.plant(patch)
        return judged(seed, database)


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_a_lie_of_nodes_is_found_by_the_invariant_that_forbids_it(lie: Lie, database: SharedDatabase) -> None:
    worlds = (judged_with(lie, seed, database) for seed in (*lie.known, *range(MOST_WORLDS)))
    assert any(lie.invariant in verdict.broken for verdict in worlds), (
        f"nobody notices that {lie.invariant!r} is broken"
    )


def test_no_invariant_of_nodes_is_without_a_lie() -> None:
    told = {lie.invariant for lie in LIES}
    assert told <= set(EVERY_NAME)
    assert set(OF_NODES) - told == set()


def test_without_a_lie_the_worlds_that_expose_it_keep_every_promise(database: SharedDatabase) -> None:
    seeds = sorted({seed for lie in LIES for seed in lie.known})
    assert [seed for seed in seeds if judged(seed, database).violations] == []
