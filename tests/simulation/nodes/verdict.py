"""The verdict on a world of several nodes."""

import traceback

from tests.simulation.invariants import COMES_TO_AN_END, Violation, broken
from tests.simulation.nodes import plan
from tests.simulation.nodes.database import SharedDatabase
from tests.simulation.nodes.evidence import NodesEvidence
from tests.simulation.nodes.invariants import INVARIANTS
from tests.simulation.nodes.world import NodesWorld
from tests.simulation.verdict import Verdict

SEED_PREFIX = "nodes-"


def judged(seed: int, database: SharedDatabase) -> Verdict:
    """Live through the world of a seed, and check what came of it."""
    name = f"{SEED_PREFIX}{seed}"
    world = NodesWorld(plan.draw(seed), database)
    try:
        world.run()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the seed and the trace
        text = "".join(traceback.format_exception(error, limit=-5))
        return Verdict(name, world.trace, [Violation(COMES_TO_AN_END, text)])
    assert world.account is not None
    evidence = NodesEvidence(world.ledger, world.account, world.trace, world.plan)
    return Verdict(name, world.trace, broken(evidence, INVARIANTS, quiet=world.quiet), evidence)
