"""Invariants of what is written down: attempts, states, the queue, statistics, tasks."""

from collections import Counter
from collections.abc import Iterator

from tests.simulation.evidence import INTERRUPTED, NOT_SENT, Course, Evidence, Step
from tests.simulation.ledger import Order
from tests.simulation.schedule import AGAIN, readings, wait_after

from reelhook.model.task import TaskState

Found = Iterator[tuple[str, Course | None]]
_BLOCKED = 1 << 62
_WAITING = ("pending", "retrying")
_ATTEMPTS, _FAILED_ATTEMPTS = 2, 3
_CANCELLED = "cancelled"


def attempts_match_the_wire(evidence: Evidence) -> Found:
    """Each recorded attempt tells of one exchange and of nothing else; only what a crash cut short may be missing."""
    for course in evidence.courses.values():
        for misfit in course.misfits:
            yield misfit, course
        for attempt, exchange in course.steps:
            if exchange is None or attempt.failure == INTERRUPTED:
                continue
            said = (attempt.status_code, None if attempt.status_code else attempt.failure)
            if said != (exchange.status, exchange.failure) or attempt.succeeded != _is_success(exchange.status):
                yield f"attempt {attempt.number} says {said}, exchange {exchange.number} was otherwise", course


def _is_success(status: int | None) -> bool:
    return status is not None and 200 <= status < 300


def attempts_are_counted(evidence: Evidence) -> Found:
    """Attempts are numbered 1, 2, 3 without a gap, each knows the one before, and the delivery knows how many."""
    for course in evidence.courses.values():
        numbers = [step.attempt.number for step in course.steps]
        if numbers != list(range(1, course.delivery.attempts + 1)):
            yield f"it counts {course.delivery.attempts} attempts; recorded are {numbers}", course
        chain = [None, *(step.attempt.id for step in course.steps)]
        if [step.attempt.previous_id for step in course.steps] != chain[:-1]:
            yield "an attempt does not know the one before it", course
        if course.delivery.last_attempt_id != chain[-1]:
            yield "the delivery does not know its last attempt", course


def duplicates_are_explained(evidence: Evidence) -> Found:
    """It is sent again by itself only while no success is recorded; all else was asked for, as often as it happened."""
    for course in evidence.courses.values():
        for before, after in zip(course.steps, course.steps[1:], strict=False):
            if before.attempt.succeeded and after.attempt.trigger not in AGAIN:
                yield f"attempt {after.attempt.number} follows a success", course
        for trigger, count in _restarts(course.steps).items():
            asked = [order for order in course.orders if order.kind == trigger and order.error is None]
            if count > len(asked):
                yield f"{trigger} was asked for {len(asked)} times, and happened {count} times", course


def _restarts(steps: list[Step]) -> Counter[str]:
    """Count the attempts that were asked for; the one after an interruption is the same again."""
    counts: Counter[str] = Counter()
    before = None
    for attempt, _ in steps:
        same = before is not None and before.failure == INTERRUPTED and before.trigger == attempt.trigger
        if attempt.trigger in AGAIN and not same:
            counts[attempt.trigger] += 1
        before = attempt
    return counts


def states_are_justified(evidence: Evidence) -> Found:
    """Delivered has a success; failed has used up its schedule; cancelled was asked for, or its endpoint is gone."""
    for course in evidence.courses.values():
        reason = _unjustified(evidence, course)
        if reason:
            yield reason, course


def _unjustified(evidence: Evidence, course: Course) -> str | None:
    state = course.delivery.state
    last = list(readings(course))[-1:]
    if state == "delivered" and not (last and last[0].attempt.succeeded):
        return "it counts as delivered, and its last attempt did not succeed"
    if state == "failed":
        if not last or last[0].attempt.succeeded or not last[0].counts:
            return "it counts as failed, and its last attempt did not fail"
        waits = [wait_after(last[0], version) for version in evidence.versions(last[0].attempt)]
        if last[0].certain and waits and None not in waits:
            return "it was given up before its schedule was used up"
    if state == _CANCELLED:
        history = evidence.ledger.endpoints.get(course.delivery.endpoint_id)
        gone = history is not None and history.removal_asked is not None
        if not gone and not any(order.kind == "cancel" for order in course.orders):
            return "it is cancelled, and nobody asked for it"
    return None


def the_queue_is_an_index(evidence: Evidence) -> Found:
    """The queue has one row for each waiting delivery, due when the delivery says; lanes have one for each open one."""
    account = evidence.account
    rows = Counter((delivery_id, endpoint_id, due_at) for endpoint_id, due_at, delivery_id in account.queue)
    expected = Counter(
        (row.id, row.endpoint_id, _BLOCKED if row.next_attempt_at is None else row.next_attempt_at)
        for row in account.deliveries.values()
        if row.state in _WAITING
    )
    for delivery_id, endpoint_id, due_at in (rows - expected) + (expected - rows):
        yield f"row ({endpoint_id}, {due_at}) does not fit its delivery", evidence.courses.get(delivery_id)
    yield from _lanes(evidence)
    for delivery_id in account.claims:
        if account.deliveries[delivery_id].state != "sending":
            yield "it is not being sent, and claimed", evidence.courses.get(delivery_id)


def _lanes(evidence: Evidence) -> Found:
    account = evidence.account
    ordered = {delivery_id: (endpoint_id, lane, place) for endpoint_id, lane, place, delivery_id in account.ordered}
    for row in account.deliveries.values():
        is_open = row.state in (*_WAITING, "sending") and row.lane is not None
        expected = (row.endpoint_id, row.lane, row.position) if is_open else None
        if ordered.get(row.id) != expected:
            yield f"its place in the lane is {ordered.get(row.id)}, not {expected}", evidence.courses.get(row.id)
    heads: dict[tuple[int, str], tuple[int, int]] = {}
    for endpoint_id, lane, place, delivery_id in account.ordered:
        heads[endpoint_id, lane] = min(heads.get((endpoint_id, lane), (place, delivery_id)), (place, delivery_id))
    for endpoint_id, lane, _, delivery_id in account.ordered:
        row = account.deliveries[delivery_id]
        blocked = row.state in _WAITING and row.next_attempt_at is None
        if blocked == (heads[endpoint_id, lane][1] == delivery_id):
            yield "only the head of a lane may be due, and it must be", evidence.courses.get(delivery_id)


def nothing_is_left_sending(evidence: Evidence) -> Found:
    """When all is quiet nothing is under way any more."""
    for course in evidence.courses.values():
        if course.delivery.state == "sending":
            yield "it is still sending", course


def rollups_count_every_attempt(evidence: Evidence) -> Found:
    """The statistics count what was recorded, each attempt once; interruptions are no attempts of the receiver's."""
    attempts = [one for found in evidence.account.attempts.values() for one in found if one.failure != INTERRUPTED]
    expected = (len(attempts), sum(not one.succeeded for one in attempts))
    rollups = evidence.account.rollups
    counted = (rollups.get(_ATTEMPTS, 0), rollups.get(_FAILED_ATTEMPTS, 0))
    if counted != expected:
        yield f"counted are {counted} (attempts, failed), recorded {expected}", None


def tasks_end(evidence: Evidence) -> Found:
    """Every task that was accepted is there and done or cancelled; none has failed."""
    states = {task.id: task.state for task in evidence.account.tasks}
    for order in evidence.ledger.orders:
        if order.task_id is None or order.settled is None:
            continue
        state = states.get(order.task_id)
        if state not in (TaskState.DONE, TaskState.CANCELLED):
            yield f"task {order.task_id} is {state}", None


def recover_reaches_all(evidence: Evidence) -> Found:
    """What had failed before a recover was asked for is sent again by it, when it is done."""
    done = {task.id for task in evidence.account.tasks if task.state is TaskState.DONE}
    for course in evidence.courses.values():
        history = evidence.ledger.endpoints.get(course.delivery.endpoint_id)
        if history is None or history.removal_asked is not None:
            continue
        for order in course.orders:
            if order.kind != "recover" or order.task_id not in done or not _had_failed(course, order):
                continue
            if not any(exchange.begun > order.asked for exchange in course.exchanges):
                yield f"task {order.task_id} left it out", course


def _had_failed(course: Course, order: Order) -> bool:
    """Tell whether a delivery had certainly failed when a recover was asked for, and nobody cancelled it since."""
    before = [step for step in course.steps if step.exchange is None or step.exchange.begun < order.asked]
    if not before or before[-1].exchange is None or before[-1].exchange.ended is None:
        return False
    last = before[-1]
    if last.attempt.succeeded or last.attempt.failure in (INTERRUPTED, NOT_SENT):
        return False
    following = course.steps[len(before) :]
    exhausted = not following or following[0].attempt.trigger == "recover"
    cancelled = any(other.kind == "cancel" for other in course.orders)
    return exhausted and not cancelled and last.exchange.ended < order.asked
