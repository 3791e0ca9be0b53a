"""Invariants of what owners asked for: who is paused gets nothing, what is cancelled rests, what is resent goes."""

from collections.abc import Iterator

from tests.simulation.evidence import Course, Evidence
from tests.simulation.ledger import History, Order
from tests.simulation.schedule import disables

from reelhook.model.endpoint import EndpointState

Found = Iterator[tuple[str, Course | None]]


def nothing_is_sent_to_who_wants_none(evidence: Evidence) -> Found:
    """After a pause, a disabling or a deletion was answered, nothing begins to be sent."""
    for exchange in evidence.ledger.exchanges:
        history = evidence.endpoint(exchange)
        if history is None:
            continue
        possible = history.possible(evidence.turn(exchange), exchange.begun)
        if not any(one.endpoint.state is EndpointState.ACTIVE for one in possible):
            yield f"exchange {exchange.number} to endpoint {history.id}", evidence.course_of(exchange)


def gone_is_gone(evidence: Evidence) -> Found:
    """After an answer that disables the endpoint nothing more is begun, until its owner changes it."""
    for history, exchanges in evidence.by_endpoint_and_life():
        for final in exchanges:
            course = evidence.course_of(final)
            if course is None or not disables(final, history.versions[0].endpoint.dialect):
                continue
            for later in exchanges:
                if final.ended < later.begun and not _touched(evidence, history, final.ended, later.begun):
                    yield f"exchange {later.number} came after the {final.status} of {final.number}", course
                    break


def _touched(evidence: Evidence, history: History, begin: int, end: int) -> bool:
    """Tell whether somebody changed the endpoint between two moments, or it could not be disabled."""
    changed = any(one.asked < end and (one.settled is None or one.settled > begin) for one in history.versions)
    return changed or any(
        ("event", "endpoint.not_disabled") in happening.facts for happening in evidence.trace.happenings[begin:end]
    )


def nothing_is_sent_that_is_cancelled(evidence: Evidence) -> Found:
    """After a cancel was answered nothing is sent, unless it is asked for again."""
    for course in evidence.courses.values():
        for order in course.orders:
            if order.kind != "cancel" or order.settled is None:
                continue
            for exchange in course.exchanges:
                if exchange.begun > order.settled and not _asked_again(course, order, exchange.begun):
                    yield f"exchange {exchange.number} was begun after its cancelling was answered", course


def _asked_again(course: Course, cancel: Order, until: int) -> bool:
    return any(
        order.kind != "cancel"
        and order.asked < until
        and (order.task_id is not None or order.settled is None or order.settled > cancel.asked)
        for order in course.orders
    )


def resends_are_heard(evidence: Evidence) -> Found:
    """A resend that was answered is followed by an attempt."""
    for course in evidence.courses.values():
        history = evidence.ledger.endpoints.get(course.delivery.endpoint_id)
        for order in course.orders:
            if order.kind != "resend" or order.settled is None or history is None or history.removal_asked:
                continue
            cancelled = any(
                other.kind == "cancel" and (other.settled is None or other.settled > order.asked)
                for other in course.orders
            )
            if not cancelled and not any(exchange.begun > order.asked for exchange in course.exchanges):
                yield "it was to be sent again, and never was", course
