"""Evidence of a world of several nodes: which life of which node did what, and whose each shard was at the time."""

import bisect
from collections import defaultdict
from typing import Final

from tests.simulation.account import Account, AttemptRow
from tests.simulation.evidence import INTERRUPTED, NOT_SENT, Course, Evidence, Step
from tests.simulation.ledger import Exchange, Ledger
from tests.simulation.nodes.line import BREAKS, CUT
from tests.simulation.nodes.plan import NodesPlan
from tests.simulation.trace import Trace

from reelhook.model.endpoint import Endpoint
from reelhook.model.ids import NODE_BITS, SEQUENCE_BITS
from reelhook.model.shard import shard_of

_OF_NONE: Final = (NOT_SENT, INTERRUPTED)
"""Attempts that may have come to no exchange."""
_REFRESH_MS: Final = 1000
"""How often a node reads what others changed."""


class NodesEvidence(Evidence):
    """What the checks look at."""

    def __init__(self, ledger: Ledger, account: Account, trace: Trace, drawn: NodesPlan) -> None:
        self.plan = drawn
        self._lives_of_number = _lives_of_number(ledger.numbers)
        self._times = [happening.at for happening in trace.happenings]
        self._moments = [tenures.moment for tenures in ledger.tenures]
        self._troubles: dict[int, list[int]] = defaultdict(list)
        for place, happening in enumerate(trace.happenings):
            if happening.what in (BREAKS, CUT):
                self._troubles[happening.life].append(place)
        self.late = {
            delivery_id: _take_late(attempts, account.deliveries[delivery_id].last_attempt_id)
            for delivery_id, attempts in account.attempts.items()
        }
        """Results that came when their deliveries were rescued already: they are recorded, and nothing follows."""
        super().__init__(ledger, account, trace, drawn.limits)
        self._taken = self._first_seen_epochs()

    def life_of(self, number: int) -> int:
        """Return in which life of a node an id was made."""
        lives = self._lives_of_number.get((number >> SEQUENCE_BITS) & ((1 << NODE_BITS) - 1), [])
        place = bisect.bisect_right(lives, (number, 1 << 30)) - 1
        return lives[place][1] if place >= 0 else 0

    def end_of_life(self, life: int) -> int:
        return self.ledger.ends.get(life, self.end)

    def place_at(self, at: float) -> int:
        """Return the first moment at or after a time (true ms)."""
        return bisect.bisect_left(self._times, at)

    def troubles(self, life: int, begin: int, end: int) -> int:
        """Return how often the line of a node was in trouble between two moments."""
        places = self._troubles[life]
        return bisect.bisect_right(places, end) - bisect.bisect_left(places, begin)

    def known_since(self, exchange: Exchange) -> int:
        """Return the moment since which a node certainly knows what was changed through another one: it reads that each
        second. While it cannot, it may send for as long as its lease lasts, or until it awakes; but whoever takes a
        shard over looks anew before it sends.
        """
        slowest = 2000 * self.plan.slowest_commit + _REFRESH_MS + 100
        at = self.trace.time_of(exchange.begun) - slowest
        lease = self.plan.lease.seconds * 1000
        if self.troubles(exchange.life, self.place_at(at - lease), exchange.begun):
            at -= lease
        for life, begin, until in self.ledger.pauses:
            if life == exchange.life and begin < exchange.begun and until >= at - slowest:
                at = min(at, self.trace.time_of(begin) - slowest)
        return max(0, self.place_at(at) - 1, self._taken_over(exchange))

    def paused(self, life: int, begin: int, end: int) -> bool:
        """Tell whether a node was paused at some time between two moments."""
        pauses = [(since, until) for whose, since, until in self.ledger.pauses if whose == life]
        return any(since <= end and until >= self.trace.time_of(begin) for since, until in pauses)

    def over(self, exchange: Exchange) -> int:
        """Return when an exchange was over: answered, cut off, or dead with its node."""
        ends = (exchange.ended, exchange.cut, self.end_of_life(exchange.life))
        return min(end for end in ends if end is not None)

    def lease_of(self, life: int, endpoint_id: int, moment: int) -> float:
        """Return until when (true ms) a node may send to an endpoint, as the database sees it at a moment; 0: it may
        not.
        """
        whose, until, _ = self._owner(shard_of(endpoint_id), moment)
        return until if whose == life else 0.0

    def _owner(self, shard: int, moment: int) -> tuple[int, float, int]:
        """Return whose a shard is at a moment, until when, and in which epoch."""
        place = bisect.bisect_right(self._moments, moment) - 1
        for whose, until, epochs in self.ledger.tenures[place].owners if place >= 0 else ():
            if shard in epochs:
                return whose, until, epochs[shard]
        return 0, 0.0, 0

    def _taken_over(self, exchange: Exchange) -> int:
        """Return when the node that sends took over the shard that it sends for; 0 where that is not known."""
        history = self.endpoint(exchange)
        if history is None:
            return 0
        shard = shard_of(history.id)
        whose, _, epoch = self._owner(shard, exchange.begun)
        return self._taken[shard, epoch] if whose == exchange.life else 0

    def _first_seen_epochs(self) -> dict[tuple[int, int], int]:
        """Return since when each shard that matters has been in each of its epochs."""
        found: dict[tuple[int, int], int] = {}
        mine = {shard_of(endpoint_id) for endpoint_id in self.ledger.endpoints}
        for moment, owners in self.ledger.tenures:
            for _, _, epochs in owners:
                for shard in mine & epochs.keys():
                    found.setdefault((shard, epochs[shard]), moment)
        return found

    def versions(self, attempt: AttemptRow) -> list[Endpoint]:
        """Return the endpoint as it was for an attempt; for an interruption, as it can have been when it was found."""
        if attempt.failure != INTERRUPTED:
            return super().versions(attempt)
        history = self.ledger.endpoints.get(attempt.endpoint_id)
        begin, end = self.place_at(attempt.at - 20_000), min(self.end - 1, self.place_at(attempt.at + 2000))
        return [one.endpoint for one in history.possible(begin, end)] if history else []

    def _lay_out(self, course: Course) -> None:
        """Find for each recorded attempt the exchange that it tells of; both are in the order of time."""
        attempts = self.account.attempts.get(course.delivery.id, [])
        steps = self._fitting(attempts, course.exchanges)
        if steps is None:
            said = [(one.number, one.failure, self.life_of(one.id)) for one in attempts]
            seen = [(one.number, one.life) for one in course.exchanges]
            course.misfits.append(f"attempts (number, failure, life) {said} do not fit exchanges {seen}")
            rest = iter(course.exchanges)
            steps = [Step(one, None if one.failure in _OF_NONE else next(rest, None)) for one in attempts]
        course.steps = steps

    def _fitting(self, attempts: list[AttemptRow], exchanges: list[Exchange]) -> list[Step] | None:
        """Fit them together; an interruption may, or may not, have come to an exchange."""
        if not attempts:
            return None if exchanges else []
        attempt, first = attempts[0], exchanges[0] if exchanges else None
        if first is not None and self._may_tell_of(attempt, first):
            rest = self._fitting(attempts[1:], exchanges[1:])
            if rest is not None:
                return [Step(attempt, first), *rest]
        if attempt.failure in _OF_NONE:
            rest = self._fitting(attempts[1:], exchanges)
            return None if rest is None else [Step(attempt, None), *rest]
        return None

    def _may_tell_of(self, attempt: AttemptRow, exchange: Exchange) -> bool:
        if attempt.failure == NOT_SENT:
            return False
        if attempt.failure == INTERRUPTED:
            return exchange.begun_at <= attempt.at
        return exchange.life == self.life_of(attempt.id) and exchange.ended is not None


def _take_late(attempts: list[AttemptRow], last: int | None) -> list[AttemptRow]:
    """Leave those that make the chain from first to last, and return the others."""
    by_id = {one.id: one for one in attempts}
    chain: list[AttemptRow] = []
    while last in by_id:
        chain.append(by_id.pop(last))
        last = chain[-1].previous_id
    attempts[:] = reversed(chain)
    return sorted(by_id.values(), key=lambda one: one.number)


def _lives_of_number(numbers: list[tuple[int, int, int]]) -> dict[int, list[tuple[int, int]]]:
    """Return for each node number who had it, from which id on; who stored nothing is passed by."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, first, life in numbers:
        lives = found[number]
        while lives and lives[-1][0] >= first:
            lives.pop()
        lives.append((first, life))
    return found
