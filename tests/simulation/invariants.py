"""The invariants: what must hold of every world. Each has a name; what breaks it is told with the whole story."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.simulation import of_pace, of_promises, of_record, of_requests, of_wishes
from tests.simulation.evidence import Course, Evidence

Check = Callable[[Evidence], Iterator[tuple[str, Course | None]]]
_MOST_SHOWN = 5
COMES_TO_AN_END = "a world can be lived to its end"
COMES_TO_REST = "when all is well the world comes to rest"
NO_FAULT_UNHEARD = "no fault of ours goes unheard"


class Violation(NamedTuple):
    """One broken invariant: which, how, and the delivery that broke it, where it was one."""

    name: str
    text: str
    course: Course | None = None


INVARIANTS: dict[str, Check] = {
    "what was accepted is stored": of_promises.accepted_is_stored,
    "what was refused is not stored": of_promises.refused_is_not_stored,
    "nothing is stored that nobody published": of_promises.nothing_from_nowhere_is_stored,
    "the same request makes one event": of_promises.the_same_request_makes_one_event,
    "publishers are refused only for good reasons": of_promises.refusals_have_good_reasons,
    "a full disk keeps no publisher waiting": of_promises.nobody_waits_for_a_full_disk,
    "later events have larger ids": of_promises.later_events_have_larger_ids,
    "every endpoint that matched gets the event": of_promises.every_match_has_a_delivery,
    "no other endpoint gets the event": of_promises.no_delivery_without_match,
    "the lane is that of the event": of_promises.lanes_are_right,
    "nothing is received that was not submitted": of_requests.nothing_is_received_from_nowhere,
    "apps never mix": of_requests.apps_never_mix,
    "bodies and signatures are right": of_requests.bodies_and_signatures_are_right,
    "requests go to the endpoint as it is": of_requests.requests_use_the_current_version,
    "ordered lanes keep their order": of_pace.ordered_lanes_keep_their_order,
    "nothing is sent before it is due": of_pace.nothing_is_sent_before_it_is_due,
    "rate limits hold": of_pace.rate_limits_hold,
    "permits hold": of_pace.permits_hold,
    "nothing is sent to an endpoint that is paused, disabled or gone": of_wishes.nothing_is_sent_to_who_wants_none,
    "an endpoint that is gone is disabled at once": of_wishes.gone_is_gone,
    "nothing is sent that is cancelled": of_wishes.nothing_is_sent_that_is_cancelled,
    "a resend is heard": of_wishes.resends_are_heard,
    "attempts match the wire": of_record.attempts_match_the_wire,
    "attempts are counted": of_record.attempts_are_counted,
    "duplicates are explained": of_record.duplicates_are_explained,
    "states are justified": of_record.states_are_justified,
    "a row waits if and only if its delivery does": of_record.the_queue_is_an_index,
    "nothing is left sending": of_record.nothing_is_left_sending,
    "rollups count every attempt": of_record.rollups_count_every_attempt,
    "tasks come to an end": of_record.tasks_end,
    "recover reaches what had failed": of_record.recover_reaches_all,
}

EVERY_NAME = (COMES_TO_AN_END, COMES_TO_REST, NO_FAULT_UNHEARD, *INVARIANTS)


def broken(evidence: Evidence, invariants: dict[str, Check], *, quiet: bool) -> list[Violation]:
    """Return every invariant that this world has broken."""
    found = [Violation(NO_FAULT_UNHEARD, text) for text in evidence.ledger.complaints]
    if not quiet:
        found.append(Violation(COMES_TO_REST, "something is still to be done"))
    for name, check in invariants.items():
        found += [Violation(name, text, course) for text, course in check(evidence)]
    return found


def report(evidence: Evidence, violations: list[Violation]) -> str:
    """Tell what was broken, and the story of the first delivery that broke each invariant."""
    parts = []
    for name in dict.fromkeys(one.name for one in violations):
        same = [one for one in violations if one.name == name]
        parts += [f"\n{name}:", *(f"  {one.text}" for one in same[:_MOST_SHOWN])]
        if len(same) > _MOST_SHOWN:
            parts.append(f"  and {len(same) - _MOST_SHOWN} more")
        parts += [evidence.story(one.course) for one in same[:1] if one.course]
    return "\n".join(parts)
