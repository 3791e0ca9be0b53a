"""The keeper: nodes that share the work, take over from each other, and never send for one shard at once."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import pytest
from tests.unit.dispatch_scene import DOWN, OK
from tests.worker.town_of_nodes import Database, Node, endpoints
from tests.worker.virtual import virtually

from reelhook.model.endpoint import RateLimit
from reelhook.model.shard import SHARDS, shard_of
from reelhook.worker.circuit import CircuitState
from reelhook.worker.keeper import Lease

LEASE = Lease(patience=20)


class Town:
    """A database and its nodes, all of them started."""

    def __init__(self, some: list[Any], lease: Lease, failing: Collection[int]) -> None:
        self.database = Database()
        self.endpoints = some
        self.lease = lease
        self.failing = failing
        self.nodes: list[Node] = []

    def node(self) -> Node:
        node = Node(self.database, f"node {len(self.nodes)}", self.endpoints, self.lease, self.failing)
        self.nodes.append(node)
        return node.start()

    async def nodes_at_work(self, count: int) -> list[Node]:
        made = [self.node() for _ in range(count)]
        await asyncio.sleep(20)
        assert sum(len(one.ownership.served) for one in made) == SHARDS
        return made

    async def survey(self, seconds: float) -> None:
        """Let time pass in which every node surveys each second, as it does on a shared database."""
        for _ in range(round(seconds)):
            await asyncio.sleep(1)
            for node in self.nodes:
                node.dispatcher.survey()

    def began(self) -> list[tuple[float, int, int]]:
        return sorted(one for node in self.nodes for one in node.began)

    def sent(self) -> list[int]:
        return [delivery for _, _, delivery in self.began()]


def live(
    story: Callable[[Town], Awaitable[Any]],
    *some: Any,
    lease: Lease = LEASE,
    failing: Collection[int] = (),
) -> Town:
    async def live() -> Town:
        town = Town(list(some) or endpoints(), lease, failing)
        await story(town)
        assert not asyncio.get_running_loop().faults
        return town

    return virtually(live())


def owned(node: Node) -> list[int]:
    return [one for one in node.endpoints if node.ownership.owns(one)]


# One node


def test_a_node_that_is_alone_takes_everything_and_sends() -> None:
    async def story(town: Town) -> None:
        made = [town.node().enqueue(one.id)[0] for one in town.endpoints[:1]]
        made += [town.nodes[0].enqueue(one.id)[0] for one in town.endpoints[1:]]
        await asyncio.sleep(1)
        assert len(town.nodes[0].ownership.served) == SHARDS
        assert sorted(town.sent()) == made

    live(story)


def test_nothing_is_sent_before_what_the_last_owner_left_behind_is_rescued() -> None:
    async def story(town: Town) -> None:
        town.database.sending[5] = (town.endpoints[0].id, 99)
        node = town.node()
        node.rescue_takes = 3.0
        made = node.enqueue(town.endpoints[0].id)
        await asyncio.sleep(2.9)
        assert not node.began
        assert not node.reserve(town.endpoints[0].id)
        await asyncio.sleep(2)
        assert sorted(town.sent()) == [5, *made]
        assert town.database.rescued == [5]

    live(story)


def test_a_rescue_that_fails_is_tried_again_and_nothing_is_sent_before() -> None:
    async def story(town: Town) -> None:
        node = town.node()
        await asyncio.sleep(0.005)
        node.cut = True
        node.enqueue(town.endpoints[0].id)
        await asyncio.sleep(3)
        assert not node.ownership.served
        node.cut = False
        await asyncio.sleep(3)
        assert len(node.began) == 1

    live(story)


def test_a_node_tells_how_old_its_lease_is_and_how_many_nodes_it_saw() -> None:
    async def story(town: Town) -> None:
        first, _ = await town.nodes_at_work(2)
        assert first.keeper.nodes == 2
        assert first.keeper.lease_age() <= LEASE.seconds / 3 + 0.1
        first.cut = True
        await asyncio.sleep(30)
        assert first.keeper.lease_age() >= 30

    live(story)


def test_a_node_looks_only_at_what_waits_for_its_own_endpoints() -> None:
    async def story(town: Town) -> None:
        for node in await town.nodes_at_work(2):
            node.surveyed.clear()
            for endpoint_id in node.endpoints:
                node.enqueue(endpoint_id)
            node.dispatcher.survey()
            assert sorted(node.surveyed) == owned(node)
            await asyncio.sleep(1)

    live(story)


def test_a_node_that_takes_no_shards_sends_nothing_and_is_well() -> None:
    async def story(town: Town) -> None:
        node = town.node()
        node.enqueue(town.endpoints[0].id)
        node.dispatcher.waits([town.endpoints[0].id], node.clock.now())
        await town.survey(30)
        assert not node.began
        assert node.hinted == [town.endpoints[0].id], "a survey tells nobody, or hints would go round"
        assert node.keeper.failing() is None

    live(story, lease=Lease(takes=False))


def test_the_number_of_a_node_goes_into_its_ids_and_a_new_one_too() -> None:
    async def story(town: Town) -> None:
        node = town.node()
        await asyncio.sleep(1)
        town.database.nodes["another"] = (0, True, 0)
        del town.database.nodes[node.name]
        await asyncio.sleep(10)
        assert node.numbered == [0, 1]

    live(story)


# Two nodes


def test_two_nodes_share_the_work_and_each_delivery_is_sent_once() -> None:
    async def story(town: Town) -> None:
        first = town.node()
        await asyncio.sleep(1)
        second = town.node()
        made = []
        for _ in range(300):
            made += [first.enqueue(one.id)[0] for one in town.endpoints]
            await town.survey(1)
        assert len(first.ownership.served) == len(second.ownership.served) == SHARDS / 2
        assert first.ownership.served.isdisjoint(second.ownership.served)
        assert owned(second)
        assert sorted(town.sent()) == sorted(made)

    assert not live(story).database.rescued


def test_what_is_accepted_for_another_nodes_endpoint_is_queued_and_hinted_at() -> None:
    async def story(town: Town) -> None:
        first, second = await town.nodes_at_work(2)
        (foreign, *_) = owned(second)
        assert not first.reserve(foreign)
        made = first.enqueue(foreign, tell=True)
        assert first.hinted == [foreign]
        second.dispatcher.hinted(first.hinted)
        await asyncio.sleep(0.1)
        assert second.sent_to(foreign) == made

    live(story)


def test_a_change_of_an_endpoint_opens_no_lane_on_a_node_that_does_not_own_it() -> None:
    async def story(town: Town) -> None:
        first, second = await town.nodes_at_work(2)
        (foreign, *_) = owned(second)
        first.dispatcher.changed(first.endpoints[foreign])
        first.enqueue(foreign)
        first.dispatcher.survey()
        await asyncio.sleep(1)
        assert foreign not in first.dispatcher._lanes
        assert not first.began

    live(story)


@pytest.mark.fault("R27")
def test_a_shard_is_given_away_only_when_nothing_of_it_is_under_way() -> None:
    async def story(town: Town) -> None:
        first = town.node()
        await asyncio.sleep(1)
        moving = [one.id for one in town.endpoints if shard_of(one.id) >= SHARDS / 2]
        for one in moving:
            first.receivers[one].seconds = 8
            first.hand_over(one, 3)
        await asyncio.sleep(0.1)
        began = len(first.began)
        assert began == 3 * len(moving)
        second = town.node()
        await asyncio.sleep(7)
        assert all(town.database.owner(one) == first.name for one in moving)
        assert all(not first.reserve(one) for one in moving), "it comes to rest"
        await town.survey(20)
        assert set(moving) <= set(owned(second))
        assert len(first.recorded) == began

    assert not live(story).database.rescued


def test_what_does_not_come_to_rest_is_cut_off_and_the_next_owner_sends_it() -> None:
    async def story(town: Town) -> None:
        first = town.node()
        await asyncio.sleep(1)
        (moving, *_) = [one.id for one in town.endpoints if shard_of(one.id) >= SHARDS / 2]
        first.receivers[moving].seconds = None
        made = first.hand_over(moving)
        second = town.node()
        await town.survey(50)
        assert second.sent_to(moving) == made
        assert first.dispatcher.in_flight == 0
        assert first.dispatcher.bytes_in_memory == 0

    assert len(live(story).database.rescued) == 1


def test_a_shard_is_given_away_only_when_the_store_has_taken_all_results() -> None:
    async def story(town: Town) -> None:
        first = town.node()
        await asyncio.sleep(1)
        (moving, *_) = [one.id for one in town.endpoints if shard_of(one.id) >= SHARDS / 2]
        first.unstored = asyncio.Event()
        first.hand_over(moving)
        await asyncio.sleep(0.1)
        second = town.node()
        await town.survey(15)
        assert town.database.owner(moving) == first.name
        first.unstored.set()
        await town.survey(10)
        assert second.ownership.owns(moving)
        assert len(first.recorded) == 1

    assert not live(story).database.rescued


def test_shards_that_come_to_rest_go_on_when_they_are_no_longer_too_many() -> None:
    async def story(town: Town) -> None:
        first = town.node()
        await asyncio.sleep(1)
        (moving, *_) = [one.id for one in town.endpoints if shard_of(one.id) >= SHARDS / 2]
        first.receivers[moving].seconds = 15
        first.hand_over(moving)
        town.database.nodes["another"] = (7, True, town.database.clock.now() + 8000)
        await asyncio.sleep(7)
        assert not first.ownership.owns(moving)
        waits = first.enqueue(moving)
        await town.survey(10)
        assert first.ownership.owns(moving)
        assert first.sent_to(moving)[1:] == waits

    live(story)


def test_a_node_that_retires_gives_everything_away_and_leaves() -> None:
    async def story(town: Town) -> None:
        first, second = await town.nodes_at_work(2)
        mine, theirs = owned(first), owned(second)
        for one in mine:
            first.receivers[one].seconds = 2
            first.hand_over(one)
        await first.stop()
        assert len(first.recorded) == len(mine)
        town.nodes.remove(first)
        made = [second.enqueue(one)[0] for one in mine + theirs]
        await town.survey(6)
        assert sorted(town.sent()) == sorted(made)
        assert first.name not in town.database.nodes

    assert not live(story).database.rescued


# Faults


@pytest.mark.fault("R10")
def test_a_node_that_is_cut_off_stops_before_another_may_begin() -> None:
    async def story(town: Town) -> None:
        first, second = await town.nodes_at_work(2)
        (mine, *_) = owned(first)
        first.receivers[mine].seconds = None
        made = first.hand_over(mine)
        await asyncio.sleep(0.1)
        first.cut = True
        await town.survey(13)
        assert first.ownership.held
        assert town.database.owner(mine) == first.name
        assert first.keeper.failing() is None
        await asyncio.sleep(3)
        assert first.dispatcher.in_flight == 0, "cut off, so that nothing more is written"
        assert "lapsed" in (first.keeper.failing() or "")
        await town.survey(10)
        assert second.sent_to(mine) == made
        assert len(second.ownership.served) == SHARDS

    assert live(story).database.rescued


@pytest.mark.fault("R10")
def test_what_is_ready_when_the_lease_lapses_is_forgotten_and_the_next_owner_sends_it() -> None:
    async def story(town: Town) -> None:
        first, second = await town.nodes_at_work(2)
        (mine, *_) = owned(first)
        await first.prove(mine)
        first.receivers[mine].seconds = None
        made = first.hand_over(mine, 100)
        await asyncio.sleep(0.1)
        assert first.dispatcher.in_memory == 100 - len(first.began) > 0
        first.cut = True
        await town.survey(30)
        assert (first.dispatcher.in_memory, first.dispatcher.bytes_in_memory) == (0, 0)
        assert sorted(second.sent_to(mine)) == made
        first.cut = False
        await town.survey(30)
        assert len(town.sent()) == len(first.began) + 100, "nothing of it is sent again"

    live(story)


def test_what_is_lost_and_gained_again_during_a_rescue_is_rescued_again_before_it_is_served() -> None:
    async def story(town: Town) -> None:
        node = town.node()
        node.rescue_takes = 18
        await asyncio.sleep(1)
        node.cut = True
        await asyncio.sleep(14.5)
        assert not node.ownership.held
        node.cut = False
        await asyncio.sleep(5)
        assert node.ownership.held
        assert (node.rescues, node.ownership.served) == (2, frozenset())
        await asyncio.sleep(20)
        assert len(node.ownership.served) == SHARDS

    live(story)


@pytest.mark.fault("R10")
def test_nothing_begins_shortly_before_the_lease_ends() -> None:
    async def story(town: Town) -> None:
        (node,) = await town.nodes_at_work(1)
        (mine, *_) = owned(node)
        node.cut = True
        made = node.enqueue(mine, 2, after=(node.ownership.until - node.clock.now()) / 1000)
        node.dispatcher.survey()
        await asyncio.sleep((node.ownership.until - node.clock.now()) / 1000 - 0.1)
        assert node.reserve(mine)
        await asyncio.sleep(0.5)
        assert node.ownership.owns(mine)
        assert not node.reserve(mine)
        node.cut = False
        await asyncio.sleep(0.5)
        assert not node.began
        await asyncio.sleep(1)
        assert node.sent_to(mine) == made, "renewed before the end, it goes on"

    live(story)


@pytest.mark.fault("R10")
def test_a_node_that_was_cut_off_joins_again_and_takes_its_share() -> None:
    async def story(town: Town) -> None:
        first, second = await town.nodes_at_work(2)
        mine = owned(first)
        first.cut = True
        await town.survey(40)
        assert len(second.ownership.served) == SHARDS
        first.cut = False
        made = [second.enqueue(one)[0] for one in mine]
        await town.survey(40)
        assert len(first.ownership.served) == len(second.ownership.served) == SHARDS / 2
        assert sorted(town.sent()) == sorted(made)
        assert first.keeper.failing() is None

    live(story)


def test_after_an_outage_of_the_database_for_all_everything_goes_on() -> None:
    async def story(town: Town) -> None:
        nodes = await town.nodes_at_work(2)
        for node in nodes:
            node.cut = True
        await asyncio.sleep(100)
        assert not any(node.ownership.held for node in nodes)
        made = [nodes[0].enqueue(one.id)[0] for one in town.endpoints]
        for node in nodes:
            node.cut = False
        await town.survey(60)
        assert sum(len(node.ownership.served) for node in nodes) == SHARDS
        assert sorted(town.sent()) == sorted(made)

    live(story)


def test_a_lease_that_lapses_while_nothing_is_in_memory_is_lost_like_any_other() -> None:
    async def story(town: Town) -> None:
        (node,) = await town.nodes_at_work(1)
        for one in town.endpoints:
            node.hand_over(one.id)
        await asyncio.sleep(1)
        node.cut = True
        await asyncio.sleep(20)
        assert node.dispatcher.bytes_in_memory == 0
        assert all(lane.foreign for lane in node.dispatcher._lanes.values())

    live(story)


def test_a_short_outage_costs_nothing() -> None:
    async def story(town: Town) -> None:
        (node,) = await town.nodes_at_work(1)
        node.cut = True
        await asyncio.sleep(9)
        node.cut = False
        await asyncio.sleep(10)
        assert len(node.ownership.served) == SHARDS

    assert not live(story).database.rescued


@pytest.mark.fault("R4")
def test_a_node_that_was_paused_beyond_its_lease_begins_nothing_when_it_comes_back() -> None:
    async def story(town: Town) -> None:
        first, second = await town.nodes_at_work(2)
        (mine, *_) = owned(first)
        await first.prove(mine)
        first.receivers[mine].seconds = 16
        made = first.hand_over(mine, 100)
        began = len(first.began)
        first.freeze()
        await asyncio.sleep(0.1)
        began = len(first.began)
        assert 0 < began < 100
        town.database.under_way.clear()  # what hangs in the frozen node is not on its way
        await town.survey(15)
        assert not first.ownership.expired(0)
        await asyncio.sleep(2)  # answers come to the frozen node, and it would go on with the next ones
        assert len(first.began) == began
        first.thaw()
        await asyncio.sleep(0.001)
        assert not first.ownership.owns(mine)
        await town.survey(120)
        assert len(first.began) == began
        assert sorted(second.sent_to(mine)) == made
        assert all(one.delivery_id not in made for one in first.recorded), "its late results change nothing"

    assert live(story).database.rescued


def test_a_slow_answer_to_a_renewal_is_counted_from_the_question() -> None:
    async def story(town: Town) -> None:
        (node,) = await town.nodes_at_work(1)
        node.members.answers_after = 4.0
        asked = None
        for _ in range(2000):
            await asyncio.sleep(0.01)
            if node.database.nodes[node.name][2] > node.clock.now() + 14_990:
                asked = node.clock.now()
                break
        assert asked is not None
        await asyncio.sleep(4.1)
        assert node.ownership.ends <= asked + 14_000

    live(story)


# What the log remembers


@pytest.mark.fault("R20")
def test_a_rate_limit_holds_through_a_take_over() -> None:
    (one,) = some = endpoints(1, rate_limit=RateLimit(10, 60))

    async def story(town: Town) -> None:
        (first,) = await town.nodes_at_work(1)
        made = first.enqueue(one.id, 50)
        await town.survey(2)
        assert len(first.began) == 10
        await first.stop()
        second = town.node()
        await town.survey(300)
        assert sorted(town.sent()) == made
        assert len(second.began) == 40
        times = [at for at, _, _ in town.began()]
        assert all(later - earlier >= 60 for earlier, later in zip(times, times[10:], strict=False))

    live(story, *some)


@pytest.mark.fault("R20")
def test_what_was_interrupted_counts_in_the_rate_limit_of_the_next_owner() -> None:
    (one,) = some = endpoints(1, rate_limit=RateLimit(5, 600))

    async def story(town: Town) -> None:
        first, second = town.node(), town.node()
        await asyncio.sleep(20)
        owner = first if first.ownership.owns(one.id) else second
        owner.receivers[one.id].seconds = None
        owner.enqueue(one.id, 20, tell=True)
        await asyncio.sleep(1)
        assert len(owner.began) == 5
        owner.cut = True
        await town.survey(60)
        assert len(town.database.rescued) == 5
        assert len(town.began()) == 5

    live(story, *some)


@pytest.mark.fault("R20")
def test_an_open_circuit_stays_open_through_a_take_over() -> None:
    (one,) = some = endpoints(1)

    async def story(town: Town) -> None:
        (first,) = await town.nodes_at_work(1)
        first.receivers[one.id].verdict = DOWN
        first.receivers[one.id].retries_after = 1
        first.enqueue(one.id, 1, tell=True)
        await town.survey(10)
        assert first.dispatcher.circuit(one.id) is CircuitState.OPEN
        await first.stop()
        began = len(town.began())
        second = town.node()
        second.receivers[one.id].verdict = OK
        await asyncio.sleep(0.5)
        assert second.dispatcher.circuit(one.id) is CircuitState.OPEN
        assert len(town.began()) == began
        await town.survey(20)
        assert second.dispatcher.circuit(one.id) is CircuitState.CLOSED
        assert len(second.began) == 1

    live(story, *some, failing=[one.id])


def test_a_history_that_cannot_be_read_is_read_again_and_nothing_is_sent_before() -> None:
    (one,) = some = endpoints(1, rate_limit=RateLimit(10, 60))

    async def story(town: Town) -> None:
        node = Node(town.database, "node", town.endpoints, town.lease)
        recent, failures = node.recent, [OSError("no"), OSError("no")]

        async def failing(endpoint_id: int, since: int, limit: int) -> Any:
            if failures:
                raise failures.pop()
            return await recent(endpoint_id, since, limit)

        node.recent = failing
        made = node.start().enqueue(one.id)
        await asyncio.sleep(1.5)
        assert not node.began
        await asyncio.sleep(2)
        assert node.sent_to(one.id) == made

    live(story, *some)
