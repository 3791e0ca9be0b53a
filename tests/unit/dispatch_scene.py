"""A dispatcher whose queue, journal and receivers are lists, on the simulator's loop."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from tests.unit.samples import an_endpoint, an_event
from tests.worker.virtual import LoopClock

from reelhook.model.attempt import Failure, Timing, Verdict
from reelhook.model.delivery import State, Trigger
from reelhook.model.endpoint import DisabledReason, Endpoint, RateLimit
from reelhook.model.quota import Quota
from reelhook.model.shard import shard_of
from reelhook.ports import AttemptRecord, Claimed, Completion, Delivered, Taken
from reelhook.worker.circuit import CircuitRule
from reelhook.worker.dispatcher import Dispatcher
from reelhook.worker.limits import Limits, Observer, Others
from reelhook.worker.quota import Quotas

OK = Verdict(succeeded=True)
DOWN = Verdict(False, Failure.STATUS, "503", transient=True)
WRONG = Verdict(False, Failure.STATUS, "400")
UNPREPARED = Verdict(False, Failure.PREPARE, "no access token")
RULE = CircuitRule(failures=3, pause=1000, longest=4000)


_STATUS = {OK: 200, DOWN: 503, WRONG: 400}


class Receiver:
    """How one endpoint answers: after so many seconds (None: never), with this verdict."""

    def __init__(self) -> None:
        self.seconds: float | None = 0.01
        self.verdict = OK
        self.disables: DisabledReason | None = None
        self.retries_after: float | None = None
        self.fault: Exception | None = None


class Scene:
    """The world around one dispatcher. `began` and `ended` say when (s since the start) which delivery was sent."""

    def __init__(
        self, limits: Limits | None = None, endpoints: Sequence[Endpoint] = (), others: Others | None = None
    ) -> None:
        self.clock = LoopClock()
        self.endpoints = {one.id: one for one in endpoints or (an_endpoint(id=1), an_endpoint(id=2))}
        self.receivers: dict[int, Receiver] = defaultdict(Receiver)
        self.waiting_rows: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self.began: list[tuple[float, int, int]] = []
        self.ended: list[tuple[float, int, int]] = []
        self.released: list[int] = []
        self.recorded: list[Completion] = []
        self.disabled: list[tuple[int, DisabledReason | None, str]] = []
        self.quota: RateLimit | None = None
        self.told: list[Quota | None] = []
        self.opened: list[int] = []
        self.claims = 0
        self.event_size = 24
        self.claim_fails: list[Exception] = []
        self.claim_raises: list[Exception] = []
        self.record_fails: list[Exception] = []
        self.unstored: asyncio.Event | None = None
        self.in_flight: dict[int, int] = defaultdict(int)
        self.most_in_flight: dict[int, int] = defaultdict(int)
        self._numbers = iter(range(1, 1_000_000))
        self.dispatcher = Dispatcher(
            self,
            self,
            self.clock,
            self.endpoints.get,
            self._deliver,
            lambda: next(self._numbers),
            limits or Limits(circuit=RULE),
            Observer(lambda delivered: None, self._disable, self.opened.append),
            Quotas(lambda _app, _dialect: self.quota, self.clock),
            others,
        )

    # What a test does

    def enqueue(self, endpoint_id: int, count: int = 1, *, after: float = 0, tell: bool = False) -> list[int]:
        """Put deliveries into the queue, due in `after` seconds."""
        due = self.clock.now() + round(after * 1000)
        made = [next(self._numbers) for _ in range(count)]
        self.waiting_rows[endpoint_id] += [(due, one) for one in made]
        if tell:
            self.dispatcher.waits((endpoint_id,), due)
        return made

    def hand_over(self, endpoint_id: int, count: int = 1) -> list[int]:
        """Do what accept does: reserve places, and pass on what got one; the rest goes to the queue."""
        made = []
        for _ in range(count):
            if self.reserve(endpoint_id):
                made.append(next(self._numbers))
            else:
                self.enqueue(endpoint_id, tell=True)
        self.dispatcher.take([self._claimed(endpoint_id, one, one, from_queue=False) for one in made])
        return made

    def reserve(self, endpoint_id: int) -> bool:
        """Do what accept does before the commit."""
        return self.dispatcher.reserve(endpoint_id, self.event_size)

    def cancel(self, endpoint_ids: Iterable[int]) -> None:
        """Do what accept does when the commit failed."""
        self.dispatcher.cancel([(endpoint_id, self.event_size) for endpoint_id in endpoint_ids])

    async def prove(self, endpoint_id: int) -> None:
        """Let an endpoint show that it is quick, and forget that."""
        self.hand_over(endpoint_id)
        await asyncio.sleep(0.05)
        for told in (self.began, self.ended, self.recorded, self.released):
            told.clear()
        self.claims = 0

    def sent_to(self, endpoint_id: int) -> list[int]:
        """Return the deliveries that this endpoint has had to answer, in their order."""
        return [delivery for _, endpoint, delivery in self.began if endpoint == endpoint_id]

    def times_of(self, endpoint_id: int) -> list[float]:
        """Return when (s) attempts at this endpoint began."""
        return [at for at, endpoint, _ in self.began if endpoint == endpoint_id]

    # Queue

    def claim(self, endpoint_id: int, limit: int, due: int, claim_id: int, size: int) -> "asyncio.Future[Taken]":
        if self.claim_raises:
            raise self.claim_raises.pop(0)
        self.claims += 1
        fitting = max(1, size // self.event_size)
        return asyncio.ensure_future(self._claim(endpoint_id, min(limit, fitting), due, claim_id))

    async def _claim(self, endpoint_id: int, limit: int, due: int, claim_id: int) -> Taken:
        await asyncio.sleep(0.001)
        if self.claim_fails:
            raise self.claim_fails.pop(0)
        rows = sorted(row for row in self.waiting_rows[endpoint_id] if row[0] <= due)[:limit]
        self.waiting_rows[endpoint_id] = [row for row in self.waiting_rows[endpoint_id] if row not in rows]
        left = min((due for due, _ in self.waiting_rows[endpoint_id]), default=None)
        return Taken([self._claimed(endpoint_id, delivery, claim_id) for _, delivery in rows], left)

    def release(self, claimed: Iterable[Claimed]) -> "asyncio.Future[None]":
        items = list(claimed)
        return asyncio.ensure_future(self._release(items))

    async def _release(self, items: Sequence[Claimed]) -> None:
        await asyncio.sleep(0.001)
        for one in items:
            self.released.append(one.id)
            self.waiting_rows[one.endpoint_id].append((self.clock.now(), one.id))

    def next_due(self, endpoint_id: int) -> int | None:
        return min((due for due, _ in self.waiting_rows[endpoint_id]), default=None)

    def waiting(self, shards: Collection[int] | None = None) -> dict[int, int]:
        return {
            endpoint_id: min(rows)[0]
            for endpoint_id, rows in self.waiting_rows.items()
            if rows and (shards is None or shard_of(endpoint_id) in shards)
        }

    # Journal

    def record(self, completion: Completion) -> "asyncio.Future[bool]":
        return asyncio.ensure_future(self._record(completion))

    async def _record(self, completion: Completion) -> bool:
        await asyncio.sleep(0.001)
        if self.record_fails:
            raise self.record_fails.pop(0)
        if self.unstored is not None:
            await self.unstored.wait()
        self.recorded.append(completion)
        if completion.due_at is not None:
            self.waiting_rows[completion.endpoint_id].append((completion.due_at, completion.delivery_id))
        return True

    def _disable(self, delivered: Delivered) -> None:
        completion = delivered.completion
        self.disabled.append((completion.endpoint_id, delivered.disabled, completion.attempt.event.type))

    # The receivers

    async def _deliver(self, claimed: Claimed) -> Delivered:
        endpoint_id = claimed.endpoint_id
        receiver = self.receivers[endpoint_id]
        self.began.append((self._now(), endpoint_id, claimed.id))
        self.told.append(claimed.quota)
        self.in_flight[endpoint_id] += 1
        self.most_in_flight[endpoint_id] = max(self.most_in_flight[endpoint_id], self.in_flight[endpoint_id])
        try:
            if receiver.seconds is None:
                await asyncio.Event().wait()
            await asyncio.sleep(receiver.seconds or 0)
        finally:
            self.in_flight[endpoint_id] -= 1
        if receiver.fault is not None:
            raise receiver.fault
        self.ended.append((self._now(), endpoint_id, claimed.id))
        return self._delivered(claimed, receiver)

    def _delivered(self, claimed: Claimed, receiver: Receiver) -> Delivered:
        verdict, due_at = receiver.verdict, None
        if not verdict.succeeded and receiver.retries_after is not None:
            due_at = self.clock.now() + round(receiver.retries_after * 1000)
        state = State.DELIVERED if verdict.succeeded else State.FAILED if due_at is None else State.RETRYING
        total = (receiver.seconds or 0) * 1000
        record = AttemptRecord(
            next(self._numbers), "default", claimed.id, claimed.event, "x", claimed.endpoint_id, 1, 1, 0,
            _STATUS.get(verdict), None, None, claimed.trigger, Timing(total=total), None, b"", None, None, b"", b"",
            False, None,
        )  # fmt: skip
        completion = Completion(
            claimed.id, claimed.claim_id, claimed.endpoint_id, state, 1, 0, self.clock.now(), due_at, record
        )
        return Delivered(completion, verdict, receiver.disables)

    def _claimed(self, endpoint_id: int, delivery_id: int, claim_id: int, *, from_queue: bool = True) -> Claimed:
        event = an_event(b'"' + b"x" * (self.event_size - 2) + b'"')
        return Claimed(delivery_id, claim_id, endpoint_id, event, 1, 0, Trigger.SCHEDULE, from_queue=from_queue)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
