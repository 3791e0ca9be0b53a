"""Invariants of the right half of an event's life: what receivers see, and when."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import msgspec
from standardwebhooks.webhooks import Webhook
from tests.simulation.evidence import Course, Evidence
from tests.simulation.ledger import Exchange, History, Order
from tests.simulation.schedule import AGAIN, disables, readings, wait_after

from reelhook.model.endpoint import Endpoint, EndpointState, Ordering
from reelhook.model.secret import Secret

Found = Iterator[tuple[str, Course | None]]


def nothing_is_received_from_nowhere(evidence: Evidence) -> Found:
    """Every request is about a delivery that the store knows."""
    for exchange in evidence.strangers:
        yield f"exchange {exchange.number} to {exchange.host}{exchange.path} of {exchange.message_id}", None


def apps_never_mix(evidence: Evidence) -> Found:
    """What an endpoint gets was published in its own app."""
    for exchange in evidence.ledger.exchanges:
        history = evidence.endpoint(exchange)
        data = msgspec.json.decode(exchange.body)["data"]
        known = evidence.published.get(str(data.get("nonce")))
        app_id = known[0].app_id if known else data.get("app_id")
        if history is None or app_id != history.app_id:
            yield f"exchange {exchange.number}: of app {app_id}, to {history and history.app_id}", None


def bodies_and_signatures_are_right(evidence: Evidence) -> Found:
    """The body says what was published; its timestamp is that of the attempt."""
    for course in evidence.courses.values():
        for exchange in course.exchanges:
            body = msgspec.json.decode(exchange.body)
            if body["data"] != msgspec.json.decode(course.event.data) or body["type"] != course.event.type:
                yield f"exchange {exchange.number} carries {body}", course
            if int(exchange.headers["webhook-timestamp"]) != exchange.wall // 1000:
                yield f"exchange {exchange.number} was signed for another time", course


def requests_use_the_current_version(evidence: Evidence) -> Found:
    """URL and signatures are those of a version that was in force when the request began: not one from before."""
    for course in evidence.courses.values():
        history = evidence.ledger.endpoints.get(course.delivery.endpoint_id)
        for exchange in course.exchanges if history else ():
            versions = [one.endpoint for one in history.possible(exchange.begun, exchange.begun)]
            if not any(_as_wanted(exchange, version) for version in versions):
                wanted = [(version.version, version.url) for version in versions]
                yield f"exchange {exchange.number} to {exchange.path} fits none of {wanted}", course


def _as_wanted(exchange: Exchange, endpoint: Endpoint) -> bool:
    secrets = [endpoint.secret, *(one.secret for one in endpoint.retired_secrets if one.expires_at > exchange.wall)]
    signatures = {_signature(exchange, secret) for secret in secrets if secret is not None}
    return endpoint.url.endswith(exchange.host + exchange.path) and signatures == set(
        exchange.headers["webhook-signature"].split(" ")
    )


def _signature(exchange: Exchange, secret: Secret) -> str:
    """Sign with the public Standard Webhooks package what was received."""
    at = datetime.fromtimestamp(int(exchange.headers["webhook-timestamp"]), UTC)
    return Webhook(secret.reveal()).sign(exchange.message_id, at, exchange.body.decode())


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
            latest = max(latest, min(_first_closing(course), removal or float("inf")))


def _first_closing(course: Course) -> float:
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
            if following.attempt.trigger in AGAIN or not reading.certain or reading.interrupted:
                continue
            wait = wait_after(reading, evidence.version(reading.attempt))
            if wait is None:
                yield f"attempt {following.attempt.number} was made though the schedule was used up", course
            elif following.exchange is not None and reading.exchange is not None:
                due = reading.exchange.ended_at + wait * 1000
                if following.exchange.begun_at < due - 1:
                    early = due - following.exchange.begun_at
                    yield f"attempt {following.attempt.number} was made {early:.0f} ms too early", course


def rate_limits_hold(evidence: Evidence) -> Found:
    """In any window of its length, within one life of the process, no more than the count.

    A limit promises nothing about the time before it was set; a change of something else does not begin it anew.
    """
    for history, exchanges in _by_endpoint_and_life(evidence):
        begun: list[int] = []
        changes = 0
        for exchange in exchanges:
            versions = history.possible(evidence.turn(exchange), exchange.begun)
            limits = {one.endpoint.rate_limit for one in versions}
            before, changes = changes, _changes_of_limit(history, exchange.begun)
            if changes != before or len(limits) != 1:
                begun.clear()
            limit = limits.pop() if len(limits) == 1 else None
            if limit is not None:
                begun.append(exchange.begun_at)
                count = sum(at > exchange.begun_at - limit.per * 1000 for at in begun)
                if count > limit.count:
                    yield f"exchange {exchange.number} is number {count} in {limit}", _course_of(evidence, exchange)


def _changes_of_limit(history: History, until: int) -> int:
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
        permits = max((_permits(one.endpoint, limits.per_endpoint) for one in versions), default=0)
        if len(same) > permits or len(app) > limits.per_app or len(under_way) > limits.in_flight:
            counts = f"{len(same)} of {permits}, {len(app)} of the app, {len(under_way)} in all"
            yield f"exchange {exchange.number} makes {counts}", _course_of(evidence, exchange)


def _lasts(exchange: Exchange, moment: int) -> bool:
    return exchange.ended is None or exchange.ended > moment


def _permits(endpoint: Endpoint, most: int) -> int:
    return 1 if endpoint.ordering is Ordering.ENDPOINT else endpoint.concurrency or most


def nothing_is_sent_to_who_wants_none(evidence: Evidence) -> Found:
    """After a pause, a disabling or a deletion was answered, nothing begins to be sent."""
    for exchange in evidence.ledger.exchanges:
        history = evidence.endpoint(exchange)
        if history is None:
            continue
        possible = history.possible(evidence.turn(exchange), exchange.begun)
        if not any(one.endpoint.state is EndpointState.ACTIVE for one in possible):
            yield f"exchange {exchange.number} to endpoint {history.id}", _course_of(evidence, exchange)


def gone_is_gone(evidence: Evidence) -> Found:
    """After an answer that disables the endpoint nothing more is begun, until its owner changes it."""
    for history, exchanges in _by_endpoint_and_life(evidence):
        for final in exchanges:
            course = _course_of(evidence, final)
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


def _course_of(evidence: Evidence, exchange: Exchange) -> Course | None:
    history = evidence.endpoint(exchange)
    event = evidence.event_of_id.get((history.app_id, exchange.message_id)) if history else None
    return next(
        (
            course
            for course in evidence.courses.values()
            if event and history and (course.event.id, course.delivery.endpoint_id) == (event.id, history.id)
        ),
        None,
    )


def _by_endpoint_and_life(evidence: Evidence) -> Iterator[tuple[History, list[Exchange]]]:
    found: dict[tuple[int, int], list[Exchange]] = defaultdict(list)
    for exchange in evidence.ledger.exchanges:
        history = evidence.endpoint(exchange)
        if history is not None:
            found[history.id, exchange.life].append(exchange)
    for (endpoint_id, _), exchanges in found.items():
        yield evidence.ledger.endpoints[endpoint_id], exchanges
