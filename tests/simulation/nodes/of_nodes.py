"""Invariants of several nodes: who may send when, what holds across take-overs, what others know and when."""

from collections import defaultdict
from collections.abc import Iterator

from tests.simulation.evidence import INTERRUPTED, Course
from tests.simulation.ledger import Ask, Exchange, History
from tests.simulation.nodes.evidence import NodesEvidence
from tests.simulation.of_pace import changes_of_limit, first_closing, permits
from tests.simulation.of_requests import as_wanted

from reelhook.model.endpoint import EndpointState

Found = Iterator[tuple[str, Course | None]]
_CLOCKS_MS = 1
_LATELY_MS = 12_000
"""So long after a line broke a node may still tell somebody that it did: what is silent is heard late."""


def nobody_sends_without_a_lease(evidence: NodesEvidence) -> Found:
    """What is sent is begun by the one node whose endpoint it is, as the database sees it, while its lease lasts."""
    for history, exchange in _sent(evidence):
        until = evidence.lease_of(exchange.life, history.id, exchange.begun)
        late = evidence.trace.time_of(exchange.begun) - until
        if late >= 0:
            why = f"{late:.0f} ms after its lease" if until else "without a lease"
            yield f"life {exchange.life} began exchange {exchange.number} {why}", evidence.course_of(exchange)


def nothing_outlives_a_lease(evidence: NodesEvidence) -> Found:
    """What is under way is cut off before the lease ends; only a node that is paused cannot do that."""
    for history, exchange in _sent(evidence):
        over = evidence.over(exchange)
        lasted = evidence.trace.time_of(over) > evidence.lease_of(exchange.life, history.id, over)
        dead = over == evidence.end_of_life(exchange.life)
        if lasted and not dead and not evidence.paused(exchange.life, exchange.begun, over):
            yield f"exchange {exchange.number} of life {exchange.life} outlived its lease", evidence.course_of(exchange)


def late_results_change_nothing(evidence: NodesEvidence) -> Found:
    """A result that comes when its delivery was rescued is recorded beside the interruption, of the same attempt."""
    for course in evidence.courses.values():
        steps = {step.attempt.number: step for step in course.steps}
        for late in evidence.late.get(course.delivery.id, []):
            step = steps.get(late.number)
            if step is None or step.attempt.failure != INTERRUPTED or step.exchange is None:
                yield f"attempt {late.number} is recorded beside one that was not interrupted", course
            elif step.exchange.life != evidence.life_of(late.id):
                yield f"attempt {late.number} is recorded by another node than the one that made it", course


def rate_limits_hold_across_nodes(evidence: NodesEvidence) -> Found:
    """In any window of its length, whichever nodes sent, no more than the count, as long as their clocks are right."""
    for history, exchanges in _by_endpoint(evidence):
        begun: list[Exchange] = []
        changes = 0
        for exchange in exchanges:
            since = evidence.known_since(exchange)
            limits = {one.endpoint.rate_limit for one in history.possible(since, exchange.begun)}
            before, changes = changes, changes_of_limit(history, exchange.begun)
            if changes != before or len(limits) != 1:
                begun.clear()
            limit = limits.pop() if len(limits) == 1 else None
            if limit is None:
                continue
            begun.append(exchange)
            oldest = exchange.begun_at - limit.per * 1000 + _CLOCKS_MS
            within = [one for one in begun if one.begun_at > oldest and _is_recalled(evidence, one, exchange)]
            if len(within) > limit.count:
                lives = [one.life for one in within]
                yield (
                    f"exchange {exchange.number} is number {len(within)} in {limit}, sent by {lives}",
                    (evidence.course_of(exchange)),
                )


def permits_hold_across_nodes(evidence: NodesEvidence) -> Found:
    """Nobody has more requests under way than permitted: an endpoint, wherever they were begun; an app, a node."""
    limits = evidence.limits
    under_way: list[tuple[Exchange, History]] = []
    for history, exchange in _sent(evidence):
        under_way = [one for one in under_way if evidence.over(one[0]) > exchange.begun]
        under_way.append((exchange, history))
        here = [one for one in under_way if one[0].life == exchange.life]
        app = [one for one in here if one[1].app_id == history.app_id]
        same = [
            one
            for one, whose in under_way
            if whose is history and (one is exchange or not evidence.paused(one.life, one.begun, exchange.begun))
        ]
        versions = history.possible(evidence.known_since(exchange), exchange.begun)
        permitted = max((permits(one.endpoint, limits.per_endpoint) for one in versions), default=0)
        if len(same) > permitted or len(app) > limits.per_app or len(here) > limits.in_flight:
            counts = f"{len(same)} of {permitted}, {len(app)} of the app, {len(here)} of the node"
            yield f"exchange {exchange.number} makes {counts}", evidence.course_of(exchange)


def lanes_keep_their_order_across_nodes(evidence: NodesEvidence) -> Found:
    """Of a lane one is sent at a time until it is closed, and none before those that were answered when it was asked:
    places are ids, so that is promised where no clock is wrong.
    """
    lanes: dict[tuple[int, str], list[Course]] = defaultdict(list)
    for course in evidence.courses.values():
        if course.delivery.lane is not None and course.exchanges:
            lanes[course.delivery.endpoint_id, course.delivery.lane].append(course)
    for (endpoint_id, _), courses in lanes.items():
        removed = evidence.ledger.endpoints[endpoint_id].removal_asked or float("inf")
        for one in courses:
            closed = min(first_closing(one), removed)
            answered = None if evidence.ledger.skewed else _acceptance(evidence, one)
            for other in courses:
                if other is one:
                    continue
                for exchange in other.exchanges:
                    if (
                        one.exchanges[0].begun < exchange.begun < closed
                        and other.exchanges[0].begun > one.exchanges[0].begun
                    ):
                        yield f"exchange {exchange.number} began while {one.delivery.id} of its lane was open", other
                        break
                    if answered is not None and exchange.begun < closed and _is_later(evidence, other, answered):
                        yield f"exchange {exchange.number} overtook {one.delivery.id} of its lane", other
                        break


def requests_use_a_version_that_nodes_know(evidence: NodesEvidence) -> Found:
    """URL and signatures are those of a version that was in force since nodes last read what there is."""
    for course in evidence.courses.values():
        history = evidence.ledger.endpoints.get(course.delivery.endpoint_id)
        for exchange in course.exchanges if history else ():
            possible = history.possible(evidence.known_since(exchange), exchange.begun)
            if not any(as_wanted(exchange, one.endpoint) for one in possible):
                wanted = [(one.endpoint.version, one.endpoint.url) for one in possible]
                yield f"exchange {exchange.number} to {exchange.path} fits none of {wanted}", course


def nothing_is_sent_to_who_wants_none(evidence: NodesEvidence) -> Found:
    """After a pause, a disabling or a deletion was answered, and nodes had time to read it, nothing begins."""
    for history, exchange in _sent(evidence):
        possible = history.possible(evidence.known_since(exchange), exchange.begun)
        if not any(one.endpoint.state is EndpointState.ACTIVE for one in possible):
            yield f"exchange {exchange.number} to endpoint {history.id}", evidence.course_of(exchange)


def refusals_have_good_reasons(evidence: NodesEvidence) -> Found:
    """All that is published is valid, so only a node that cannot reach the database may refuse it."""
    for publish in evidence.ledger.publishes:
        for ask in publish.asks:
            if ask.error is not None and not (ask.error == "unavailable" and _could_not_write(evidence, ask)):
                yield f"publish {publish.number} was refused: {ask.error}", None


def later_events_have_larger_ids(evidence: NodesEvidence) -> Found:
    """Who publishes on a node after an answer of that node is later in every order."""
    by_life: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for publish in evidence.ledger.publishes:
        if len(publish.asks) != 1 or not publish.answered():
            continue
        ask = publish.asks[0]
        rows = [row.id for draft in publish.drafts for row in evidence.events_of_nonce.get(draft.nonce, [])]
        by_life[ask.life] += [(ask.begun, ask.ended or ask.begun, row) for row in rows]
    for asked in by_life.values():
        for begun, _, row in asked:
            larger = [other for _, ended, other in asked if ended < begun and other > row]
            if larger:
                yield f"event {row} was published after {max(larger)} was answered", None


def _could_not_write(evidence: NodesEvidence, ask: Ask) -> bool:
    """Tell whether the line was in trouble just before, or the node had been paused."""
    assert ask.ended is not None
    since = evidence.place_at(evidence.trace.time_of(ask.begun) - _LATELY_MS)
    return bool(evidence.troubles(ask.life, since, ask.ended)) or evidence.paused(ask.life, since, ask.ended)


def _acceptance(evidence: NodesEvidence, course: Course) -> int | None:
    """Return when it was first answered that an event is accepted; None for what nobody published."""
    known = evidence.publish_of(course)
    ended = [] if known is None else [ask.ended for ask in known.answered() if ask.ended is not None]
    return min(ended, default=None)


def _is_later(evidence: NodesEvidence, course: Course, answered: int) -> bool:
    known = evidence.publish_of(course)
    return known is not None and min(ask.begun for ask in known.asks) > answered


def _sent(evidence: NodesEvidence) -> Iterator[tuple[History, Exchange]]:
    for exchange in evidence.ledger.exchanges:
        history = evidence.endpoint(exchange)
        if history is not None:
            yield history, exchange


def _is_recalled(evidence: NodesEvidence, before: Exchange, now: Exchange) -> bool:
    """Tell whether a node can know when something was sent before: beyond its memory that is told by wall clocks."""
    return not evidence.ledger.skewed & {before.life, now.life}


def _by_endpoint(evidence: NodesEvidence) -> list[tuple[History, list[Exchange]]]:
    found: dict[int, tuple[History, list[Exchange]]] = {}
    for history, exchange in _sent(evidence):
        found.setdefault(history.id, (history, []))[1].append(exchange)
    return list(found.values())
