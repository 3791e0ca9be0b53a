"""Evidence: the three accounts of a world (what people know, what the network saw, what the store says) laid side by
side, delivery by delivery.
"""

import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from tests.simulation.account import Account, AttemptRow, DeliveryRow, EventRow
from tests.simulation.disk import REFUSES
from tests.simulation.ledger import Draft, Exchange, History, Ledger, Order, Publish
from tests.simulation.trace import Trace

from reelhook.model import ids
from reelhook.model.endpoint import Endpoint
from reelhook.worker.limits import Limits

INTERRUPTED = "interrupted"
NOT_SENT = "prepare_failed"


class Step(NamedTuple):
    """One recorded attempt and the exchange that it tells of; None where nothing went out."""

    attempt: AttemptRow
    exchange: Exchange | None


@dataclass
class Course:
    """The course of one delivery: its attempts in order with their exchanges, and what does not fit together."""

    delivery: DeliveryRow
    event: EventRow
    exchanges: list[Exchange]
    steps: list[Step] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)


class Evidence:
    """What the checks look at."""

    def __init__(self, ledger: Ledger, account: Account, trace: Trace, limits: Limits) -> None:
        self.limits = limits
        self.ledger = ledger
        self.account = account
        self.trace = trace
        self.end = len(trace.happenings)
        self.published: dict[str, tuple[Publish, Draft]] = {
            draft.nonce: (publish, draft) for publish in ledger.publishes for draft in publish.drafts
        }
        self.events_of_nonce: dict[str, list[EventRow]] = {}
        self.event_of_id: dict[tuple[str, str], EventRow] = {}
        for event in account.events.values():
            self.event_of_id[event.app_id, public_id(event)] = event
            nonce = nonce_of(event.data)
            if nonce is not None:
                self.events_of_nonce.setdefault(nonce, []).append(event)
        self._endpoint_of_place = {_place(history): history for history in ledger.endpoints.values()}
        self._lives = _storing_lives(ledger.first_ids)
        self.refusals = _refusals(trace)
        self.births = [place for place, happening in enumerate(trace.happenings) if happening.what == "STARTS"]
        self.strangers: list[Exchange] = []
        self._course_of_exchange: dict[int, Course] = {}
        self.courses = self._courses()

    def endpoint(self, exchange: Exchange) -> History | None:
        """Return whose request this was, by where it went."""
        return self._endpoint_of_place.get((exchange.host, exchange.path.partition("?")[0]))

    def course_of(self, exchange: Exchange) -> Course | None:
        """Return the delivery that a request was about; None when the store knows none."""
        return self._course_of_exchange.get(exchange.number)

    def by_endpoint_and_life(self) -> Iterator[tuple[History, list[Exchange]]]:
        """Return the requests of each endpoint in each life of the process."""
        found: dict[tuple[int, int], list[Exchange]] = {}
        for exchange in self.ledger.exchanges:
            history = self.endpoint(exchange)
            if history is not None:
                found.setdefault((history.id, exchange.life), []).append(exchange)
        for (endpoint_id, _), exchanges in found.items():
            yield self.ledger.endpoints[endpoint_id], exchanges

    def publish_of(self, course: Course) -> Publish | None:
        """Return how the event of a delivery was published; None when it was nobody outside."""
        known = self.published.get(nonce_of(course.event.data) or "")
        return None if known is None else known[0]

    def life_of(self, number: int) -> int:
        """Return in which life of the process an id was made."""
        first_ids, lives = self._lives
        return lives[bisect.bisect_right(first_ids, number) - 1]

    def end_of_life(self, life: int) -> int:
        """Return when a life of the process was over: the next had begun, or the world ended."""
        return self.births[life] if life < len(self.births) else self.end

    def turn(self, exchange: Exchange) -> int:
        """Return the last moment before the millisecond in which a request began: what came within it may have been
        too late for this one.
        """
        place = exchange.begun
        while place and self.trace.time_of(place) == self.trace.time_of(exchange.begun):
            place -= 1
        return place

    def versions(self, attempt: AttemptRow) -> list[Endpoint]:
        """Return the endpoint as it was for an attempt; for an interruption, as it can have been when it was found."""
        if attempt.failure != INTERRUPTED:
            version = self.account.versions.get((attempt.endpoint_id, attempt.endpoint_version))
            return [] if version is None else [version]
        history = self.ledger.endpoints.get(attempt.endpoint_id)
        begun = self.births[self.life_of(attempt.id) - 1]
        return [one.endpoint for one in history.possible(begun, begun)] if history else []

    def story(self, course: Course) -> str:
        """Tell all that happened to one delivery."""
        delivery = course.delivery
        lines = [str(delivery), str(course.event), *map(str, self.account.attempts.get(delivery.id, []))]
        lines += self.trace.about(
            public_id(course.event), delivery.id, ids.show("dlv", delivery.id), delivery.endpoint_id,
            *(order.task_id for order in course.orders if order.task_id)
        )  # fmt: skip
        return "\n".join(lines)

    def _courses(self) -> dict[int, Course]:
        deliveries = {(row.event_id, row.endpoint_id): row for row in self.account.deliveries.values()}
        found = {
            row.id: Course(row, self.account.events[row.event_id], [])
            for row in self.account.deliveries.values()
            if row.event_id in self.account.events
        }
        for exchange in self.ledger.exchanges:
            history = self.endpoint(exchange)
            event = self.event_of_id.get((history.app_id, exchange.message_id)) if history else None
            delivery = deliveries.get((event.id, history.id)) if event and history else None
            if delivery is None:
                self.strangers.append(exchange)
            else:
                found[delivery.id].exchanges.append(exchange)
                self._course_of_exchange[exchange.number] = found[delivery.id]
        for course in found.values():
            course.orders = [order for order in self.ledger.orders if _concerns(order, course)]
            self._lay_out(course)
        return found

    def _lay_out(self, course: Course) -> None:
        """Find for each recorded attempt the exchange that it tells of; both are in the order of time."""
        left = list(course.exchanges)
        for attempt in self.account.attempts.get(course.delivery.id, []):
            exchange = None
            life = self.life_of(attempt.id)
            if attempt.failure == INTERRUPTED:
                # The claim was of an earlier life; whether it had come to an exchange is open.
                if left and left[0].life < life:
                    exchange = left.pop(0)
            elif attempt.failure != NOT_SENT:
                if left and left[0].life == life:
                    exchange = left.pop(0)
                else:
                    course.misfits.append(f"attempt {attempt.number} is recorded, and nothing was sent in life {life}")
            course.steps.append(Step(attempt, exchange))
        course.misfits += [f"exchange {one.number} of life {one.life} is not recorded" for one in left]


def _refusals(trace: Trace) -> dict[tuple[int, str | None], list[int]]:
    """Return when the disk refused a commit, by life of the process and by what was wrong with it."""
    found: dict[tuple[int, str | None], list[int]] = {}
    for place, happening in enumerate(trace.happenings):
        if happening.what == REFUSES:
            found.setdefault((happening.life, dict(happening.facts)["why"]), []).append(place)
    return found


def _storing_lives(first_ids: list[int]) -> tuple[list[int], list[int]]:
    """Return the first ids of the lives that stored anything, and which lives these are: ids that were stored are never
    made again, others may be.
    """
    kept: list[tuple[int, int]] = []
    for life, first in enumerate(first_ids, 1):
        while kept and kept[-1][0] >= first:
            kept.pop()
        kept.append((first, life))
    return [first for first, _ in kept], [life for _, life in kept]


def public_id(event: EventRow) -> str:
    return event.given_id or ids.show("evt", event.id)


def nonce_of(data: bytes) -> str | None:
    decoded = msgspec.json.decode(data)
    return decoded.get("nonce") if isinstance(decoded, dict) else None


def _place(history: History) -> tuple[str, str]:
    _, _, host, path = history.versions[0].endpoint.url.split("/", 3)
    return host, f"/{path}"


def _concerns(order: Order, course: Course) -> bool:
    """Tell whether an order may have put this delivery back into the queue, or taken it out."""
    if order.delivery_id is not None:
        return order.delivery_id == course.delivery.id
    return order.selection is not None and order.selection.endpoint_id == course.delivery.endpoint_id
