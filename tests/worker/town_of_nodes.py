"""Some nodes over one scripted database, on the simulator's loop: each a real dispatcher with a real keeper."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from tests.unit.dispatch_scene import RULE, Scene
from tests.unit.samples import an_endpoint
from tests.worker.virtual import LoopClock

from reelhook.errors import Unavailable
from reelhook.model.attempt import Failure
from reelhook.model.endpoint import Endpoint
from reelhook.model.shard import SHARDS, shard_of
from reelhook.ports import Claimed, Completion, Holding, PastAttempt, Taken
from reelhook.telemetry import Metrics
from reelhook.worker.keeper import Events, Keeper, Lease
from reelhook.worker.limits import Limits, Others


class Database:
    """What the nodes share: who owns which shard, what waits, what is being sent, what was sent."""

    def __init__(self) -> None:
        self.clock = LoopClock()
        self.shards: dict[int, tuple[str | None, int, int]] = dict.fromkeys(range(SHARDS), (None, 0, 0))
        self.nodes: dict[str, tuple[int, bool, int]] = {}
        self.waiting: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self.sending: dict[int, tuple[int, int]] = {}
        self.attempts: dict[int, list[PastAttempt]] = defaultdict(list)
        self.rescued: list[int] = []
        self.under_way: dict[int, set[str]] = defaultdict(set)
        self.numbers = iter(range(1000, 1_000_000))

    def owner(self, endpoint_id: int) -> str | None:
        return self.shards[shard_of(endpoint_id)][0]


class ScriptedMembers:
    """Implements `Members` as the SQL does. It fails while the node is `cut` off; `answers_after` (s) is how slow it
    is.
    """

    def __init__(self, database: Database, node: str, lease: float) -> None:
        self._database = database
        self._node = node
        self._lease = round(lease * 1000)
        self.cut = False
        self.answers_after = 0.001
        self.given: list[frozenset[int]] = []

    async def renew(self, *, takes: bool) -> Holding:
        await self._reach()
        database, now = self._database, self._database.clock.now()
        until = now + self._lease
        known = database.nodes.get(self._node)
        number = len(database.nodes) if known is None else known[0]
        database.nodes[self._node] = number, takes, until
        ours = {}
        for shard, (node, epoch, end) in database.shards.items():
            if node == self._node and end > now:
                database.shards[shard] = node, epoch, until
                ours[shard] = epoch
        workers = sum(works and end > now for _, works, end in database.nodes.values())
        fair = -(-SHARDS // max(1, workers)) if takes else 0
        for shard, (_, epoch, end) in database.shards.items():
            if len(ours) < fair and end <= now:
                database.shards[shard] = self._node, epoch + 1, until
                ours[shard] = epoch + 1
        await asyncio.sleep(self.answers_after)
        alive = sum(end > now for _, _, end in database.nodes.values())
        return Holding(number, ours, frozenset(sorted(ours)[fair:]), alive)

    async def give(self, shards: Collection[int]) -> None:
        await self._reach()
        self.given.append(frozenset(shards))
        for shard in shards:
            node, epoch, _ = self._database.shards[shard]
            if node == self._node:
                self._database.shards[shard] = None, epoch, 0

    async def leave(self) -> None:
        await self.give(range(SHARDS))
        self._database.nodes.pop(self._node, None)

    async def _reach(self) -> None:
        if self.cut:
            raise Unavailable("cut off")
        await asyncio.sleep(0)


class Node(Scene):
    """One node: its queue is the database's. `cut` keeps it from the whole database."""

    def __init__(
        self,
        database: Database,
        name: str,
        endpoints: Sequence[Endpoint],
        lease: Lease,
        failing: Collection[int] = (),
    ) -> None:
        self.database = database
        self.name = name
        self.ownership = lease.shards()
        self.hinted: list[int] = []
        self.surveyed: list[int] = []
        self.rescue_takes = 0.01
        self.rescues = 0
        self.numbered: list[int] = []
        others = Others(self.ownership, self.hinted.extend, self, lambda endpoint_id: endpoint_id in failing)
        super().__init__(Limits(circuit=RULE), endpoints, others)
        self._numbers = database.numbers
        self.waiting_rows = database.waiting
        self.members = ScriptedMembers(database, name, lease.seconds)
        self.shards = self.dispatcher.shards(self.ownership)
        events = Events(self.rescue, self.numbered.append)
        self.keeper = Keeper(self.members, self.shards, self.clock, Metrics("test"), lease, events)
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> "Node":
        self.dispatcher.start()
        self._running = asyncio.create_task(self.keeper.run(self._stop))
        return self

    async def stop(self) -> None:
        self.keeper.retire()
        await self.dispatcher.drain(10)
        await asyncio.sleep(0.01)  # until everything is stored
        self._stop.set()
        if self._running is not None:
            await self._running

    def freeze(self) -> None:
        """Stop the keeper as SIGSTOP does: it renews nothing and looks at nothing. (The dispatcher has no timers of its
        own while nothing is due.)
        """
        assert self._running is not None
        self._running.cancel()
        if self.keeper._watch is not None:
            self.keeper._watch.cancel()

    def thaw(self) -> None:
        self.keeper._watch_lease()
        self._running = asyncio.create_task(self.keeper.run(self._stop))

    @property
    def cut(self) -> bool:
        return self.members.cut

    @cut.setter
    def cut(self, cut: bool) -> None:
        self.members.cut = cut

    # The shared queue and journal

    def waiting(self, shards: Collection[int] | None = None) -> dict[int, int]:
        found = super().waiting(shards)
        self.surveyed += found
        return found

    async def rescue(self, shards: Collection[int]) -> None:
        self.rescues += 1
        await asyncio.sleep(self.rescue_takes)
        if self.cut:
            raise Unavailable("cut off")
        in_hand = self.dispatcher.in_hand()
        for delivery, (endpoint_id, _) in list(self.database.sending.items()):
            if shard_of(endpoint_id) in shards and delivery not in in_hand:
                del self.database.sending[delivery]
                self.database.rescued.append(delivery)
                past = PastAttempt(self.clock.now(), 0, None, Failure.INTERRUPTED)
                self.database.attempts[endpoint_id].append(past)
                self.waiting_rows[endpoint_id].append((self.clock.now(), delivery))

    async def recent(self, endpoint_id: int, since: int, limit: int) -> Sequence[PastAttempt]:
        await asyncio.sleep(0.001)
        return [one for one in self.database.attempts[endpoint_id] if one.at >= since][-limit:]

    async def _claim(self, endpoint_id: int, limit: int, due: int, claim_id: int) -> Taken:
        if self.cut:
            raise Unavailable("cut off")
        taken = await super()._claim(endpoint_id, limit, due, claim_id)
        self.database.sending.update({one.id: (endpoint_id, claim_id) for one in taken.claimed})
        return taken

    async def _release(self, items: Iterable[Claimed]) -> None:
        while self.cut:
            await asyncio.sleep(1)
        ours = [one for one in items if self._drop_claim(one.id, one.claim_id)]
        await super()._release(ours)

    async def _record(self, completion: Completion) -> bool:
        while self.cut:
            await asyncio.sleep(1)
        if self.unstored is not None:
            await self.unstored.wait()
        attempt = completion.attempt
        failure = None if attempt.status_code == 200 else Failure.STATUS
        past = PastAttempt(self.clock.now(), attempt.timing.total or 0, attempt.status_code, failure)
        self.database.attempts[completion.endpoint_id].append(past)
        ours = self._drop_claim(completion.delivery_id, completion.claim_id)
        return await super()._record(completion) if ours else False

    def hand_over(self, endpoint_id: int, count: int = 1) -> list[int]:
        made = super().hand_over(endpoint_id, count)
        self.database.sending.update({one: (endpoint_id, one) for one in made})
        return made

    async def _deliver(self, claimed: Claimed):
        owners = self.database.under_way[shard_of(claimed.endpoint_id)]
        owners.add(self.name)
        assert owners == {self.name}, "two nodes send for one shard"
        try:
            return await super()._deliver(claimed)
        finally:
            owners.discard(self.name)

    def _drop_claim(self, delivery: int, claim_id: int) -> bool:
        if self.database.sending.get(delivery, (0, 0))[1] != claim_id:
            return False
        del self.database.sending[delivery]
        return True


def endpoints(count: int = 12, **more: object) -> list[Endpoint]:
    """Return endpoints whose shards are spread over all of them."""
    return [an_endpoint(id=number * 37, **more) for number in range(1, count + 1)]
