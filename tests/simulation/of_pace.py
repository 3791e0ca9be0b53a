"""Invariants of when something is sent: in order, not before its time, no more than is allowed."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tests.simulation.evidence import Course, Evidence, Step
from tests.simulation.ledger import Exchange, History
from tests.simulation.schedule import AGAIN, Reading, readings, wait_after

from reelhook.model.endpoint import Endpoint, Ordering

Found = Iterator[tuple[str, Course | None]]


def ordered_lanes_keep_their_order(evidence: Evidence) -> Found:
    """Nothing of a lane is sent before what was accepted before it is delivered, exhausted or cancelled."""
    lanes: dict[tuple[int, str], list[Course]] = defaultdict(list)
    for number in sorted(evidence.courses):
        course = evidence.courses[number]
        if course.delivery.lane is not None:
            lanes[course.delivery.endpoint_id, course.delivery.lane].append(course)
    for (endpoint_id, _), courses in lanes.items():
        removal = evidence.ledger.endpoints[endpoint_id].removal_asked
        latest = 0.0
        for course in courses:
            for exchange in course.exchanges:
                if exchange.begun < latest:
                    yield f"exchange {exchange.number} began before an earlier one of its lane was closed", course
                    break
            latest = max(latest, min(first_closing(course), removal or float("inf")))


def first_closing(course: Course) -> float:
    """Return the moment at which a delivery was first closed."""
    moments = [float(order.asked) for order in course.orders if order.kind == "cancel" and order.error is None]
    for place, (attempt, exchange) in enumerate(course.steps):
        following = course.steps[place + 1].attempt.trigger if place + 1 < len(course.steps) else None
        over = following in AGAIN or (following is None and course.delivery.state in ("failed", "cancelled"))
        if exchange is not None and exchange.ended is not None and (attempt.succeeded or over):
            moments.append(exchange.ended)
    return min(moments, default=float("inf"))


def nothing_is_sent_before_it_is_due(evidence: Evidence) -> Found:
    """Each retry comes at its time or later, and none when the schedule is used up."""
    for course in evidence.courses.values():
        for reading, following in zip(readings(course), course.steps[1:], strict=False):
            if following.attempt.trigger in AGAIN or not reading.certain or not reading.counts:
                continue
            waits = [wait_after(reading, version) for version in evidence.versions(reading.attempt)]
            known = [wait for wait in waits if wait is not None]
            number = following.attempt.number
            if waits and not known:
                yield f"attempt {number} was made though the schedule was used up", course
            elif known and (early := _early(reading, following, min(known))) > 1:
                yield f"attempt {number} was made {early:.0f} ms too early", course


def _early(reading: Reading, following: Step, wait: float) -> float:
    """Return by how many milliseconds the next attempt came before its time; an interruption ends when it is found."""
    before, after = reading.exchange, following.exchange
    ended_at = reading.attempt.at if reading.interrupted else before.ended_at if before else None
    return 0.0 if ended_at is None or after is None else ended_at + wait * 1000 - after.begun_at


def rate_limits_hold(evidence: Evidence) -> Found:
    """In any window of its length, within one life of the process, no more than the count.

    A limit promises nothing about the time before it was set; a change of something else does not begin it anew.
    """
    for history, exchanges in evidence.by_endpoint_and_life():
        begun: list[int] = []
        changes = 0
        for exchange in exchanges:
            versions = history.possible(evidence.turn(exchange), exchange.begun)
            limits = {one.endpoint.rate_limit for one in versions}
            before, changes = changes, changes_of_limit(history, exchange.begun)
            if changes != before or len(limits) != 1:
                begun.clear()
            limit = limits.pop() if len(limits) == 1 else None
            if limit is not None:
                begun.append(exchange.begun_at)
                count = sum(at > exchange.begun_at - limit.per * 1000 for at in begun)
                if count > limit.count:
                    yield f"exchange {exchange.number} is number {count} in {limit}", evidence.course_of(exchange)


def changes_of_limit(history: History, until: int) -> int:
    """Return how often the rate limit was changed until a moment."""
    limits = [one.endpoint.rate_limit for one in history.versions if one.asked <= until and not one.void]
    return sum(one != other for one, other in pairwise(limits))


def permits_hold(evidence: Evidence) -> Found:
    """Nobody has more requests under way than permitted: endpoint, app, process."""
    limits = evidence.limits
    under_way: list[Exchange] = []
    for exchange in evidence.ledger.exchanges:
        history = evidence.endpoint(exchange)
        under_way = [one for one in under_way if one.life == exchange.life and _lasts(one, exchange.begun)]
        under_way.append(exchange)
        if history is None:
            continue
        same = [one for one in under_way if evidence.endpoint(one) is history]
        app = [one for one in under_way if (other := evidence.endpoint(one)) and other.app_id == history.app_id]
        versions = history.possible(evidence.turn(exchange), exchange.begun)
        permitted = max((permits(one.endpoint, limits.per_endpoint) for one in versions), default=0)
        if len(same) > permitted or len(app) > limits.per_app or len(under_way) > limits.in_flight:
            counts = f"{len(same)} of {permitted}, {len(app)} of the app, {len(under_way)} in all"
            yield f"exchange {exchange.number} makes {counts}", evidence.course_of(exchange)


def _lasts(exchange: Exchange, moment: int) -> bool:
    return exchange.ended is None or exchange.ended > moment


def permits(endpoint: Endpoint, most: int) -> int:
    """Return how many requests an endpoint may have under way."""
    return 1 if endpoint.ordering is Ordering.ENDPOINT else endpoint.concurrency or most
