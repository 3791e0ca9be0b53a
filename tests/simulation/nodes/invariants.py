"""The invariants of worlds of several nodes: those of one process, some as they read across nodes, and more."""

from typing import Any, Final

from tests.simulation import invariants
from tests.simulation.invariants import Check
from tests.simulation.nodes import of_nodes

_OF_ONE_PROCESS: Final = ("a full disk keeps no publisher waiting",)
OF_NODES: Final[dict[str, Any]] = {
    "nobody sends without a lease": of_nodes.nobody_sends_without_a_lease,
    "nothing outlives a lease": of_nodes.nothing_outlives_a_lease,
    "late results change nothing": of_nodes.late_results_change_nothing,
    "rate limits hold": of_nodes.rate_limits_hold_across_nodes,
    "permits hold": of_nodes.permits_hold_across_nodes,
    "ordered lanes keep their order": of_nodes.lanes_keep_their_order_across_nodes,
    "requests go to the endpoint as it is": of_nodes.requests_use_a_version_that_nodes_know,
    "nothing is sent to an endpoint that is paused, disabled or gone": of_nodes.nothing_is_sent_to_who_wants_none,
    "publishers are refused only for good reasons": of_nodes.refusals_have_good_reasons,
    "later events have larger ids": of_nodes.later_events_have_larger_ids,
}
INVARIANTS: Final[dict[str, Check]] = {
    name: check for name, check in invariants.INVARIANTS.items() if name not in _OF_ONE_PROCESS
} | OF_NODES
EVERY_NAME: Final = (*(name for name in invariants.EVERY_NAME if name not in INVARIANTS), *INVARIANTS)
