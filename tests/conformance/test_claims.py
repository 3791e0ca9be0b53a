"""Claims against everything else that moves a delivery at the same moment, in one commit."""

import asyncio

import pytest
from tests.conformance.world import PLENTY

from reelhook.errors import Conflict
from reelhook.model.delivery import State, Trigger
from reelhook.model.endpoint import Ordering
from reelhook.model.event import Event
from reelhook.model.shard import shard_of
from reelhook.ports import Acceptance, NewDelivery


@pytest.mark.fault("R22")
def test_a_delivery_that_is_resent_in_the_commit_that_claims_it_is_queued_once(tell):
    async def story(world):
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        delivery_id = event.id + 1
        world.clock.move(1000)
        resent = world.store.queue.resend("default", delivery_id, Trigger.RESEND, world.clock.time)
        first, _ = await asyncio.gather(world.claim(endpoint), resent)
        claimed = [*first, *await world.claim(endpoint)]
        assert [one.id for one in claimed] == [delivery_id]
        assert await world.next_due(endpoint) is None
        assert await world.store.journal.record(world.completion(claimed[0], endpoint))
        assert not await world.claim(endpoint)

    tell(story)


@pytest.mark.fault("R22")
def test_a_delivery_that_is_cancelled_in_the_commit_that_claims_it_is_not_sent(tell):
    async def story(world):
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        cancelled = world.store.queue.cancel("default", event.id + 1, world.clock.time)
        claimed, delivery = await asyncio.gather(world.claim(endpoint), cancelled)
        assert (list(claimed), delivery.state) == ([], State.CANCELLED)
        assert await world.next_due(endpoint) is None

    tell(story)


@pytest.mark.fault("R22")
def test_a_delivery_that_is_claimed_first_can_neither_be_resent_nor_cancelled(tell):
    async def story(world):
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        claim = world.store.queue.claim(endpoint.id, 10, world.clock.time, 7, PLENTY)
        resent = world.store.queue.resend("default", event.id + 1, Trigger.RESEND, world.clock.time)
        cancelled = world.store.queue.cancel("default", event.id + 1, world.clock.time)
        taken, *refusals = await asyncio.gather(claim, resent, cancelled, return_exceptions=True)
        assert len(taken.claimed) == 1
        assert all(isinstance(refusal, Conflict) for refusal in refusals)

    tell(story)


def test_what_two_claims_of_one_commit_find_is_taken_once(tell):
    async def story(world):
        endpoint = await world.endpoint()
        for _ in range(5):
            await world.publish(endpoint)
        claims = [world.claim(endpoint, 3, claim_id=number) for number in (7, 8)]
        first, second = await asyncio.gather(*claims)
        taken = [one.id for one in (*first, *second)]
        assert len(taken) == len(set(taken)) == 3
        assert len(await world.claim(endpoint)) == 2

    tell(story)


def test_a_claim_tells_when_the_next_one_is_due(tell):
    async def story(world):
        endpoint, other = await world.endpoint(), await world.endpoint()
        assert await world.take(endpoint) == ([], None)
        for _ in range(3):
            await world.publish(endpoint)
        now = world.clock.time
        await world.publish(other)
        claimed, next_due = await world.take(endpoint, 2)
        assert (len(claimed), next_due) == (2, now - 1), "one is left that is due"
        retried = world.completion(claimed[0], endpoint, status=500, state=State.RETRYING, due_at=now + 9000)
        assert await world.store.journal.record(retried)
        last, next_due = await world.take(endpoint, 1)
        assert (len(last), next_due) == (1, now + 9000), "what is left is due later"
        assert await world.take(endpoint) == ([], now + 9000)
        world.clock.move(10_000)
        again, next_due = await world.take(endpoint)
        assert ([one.id for one in again], next_due) == ([claimed[0].id], None)

    tell(story)


def test_a_claim_tells_of_what_did_not_fit(tell):
    async def story(world):
        endpoint = await world.endpoint()
        first = world.clock.time
        for _ in range(3):
            await world.publish(endpoint, data=b'"' + b"x" * 100 + b'"')
        claimed, next_due = await world.take(endpoint, size=210)
        assert (len(claimed), next_due) == (2, first + 2)

    tell(story)


def test_a_claim_tells_nothing_of_what_waits_behind_the_head_of_a_lane(tell):
    async def story(world):
        endpoint = await world.endpoint(ordering=Ordering.ENDPOINT)
        events = [await world.publish(endpoint, lane="*") for _ in range(3)]
        claimed, next_due = await world.take(endpoint)
        assert ([one.event.id for one in claimed], next_due) == ([events[0].id], None)

    tell(story)


def test_a_claim_that_lost_what_it_found_has_the_queue_looked_at_again(tell):
    async def story(world):
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        claim = world.store.queue.claim(endpoint.id, 10, world.clock.time, 7, PLENTY)
        other = world.store.queue.claim(endpoint.id, 10, world.clock.time, 8, PLENTY)
        lost, won = sorted(await asyncio.gather(claim, other), key=lambda taken: len(taken.claimed))
        assert [one.event.id for one in won.claimed] == [event.id]
        assert (list(lost.claimed), lost.next_due) == ([], world.clock.time)

    tell(story)


def test_a_survey_tells_of_the_endpoints_of_some_shards_when_their_first_delivery_is_due(tell):
    async def story(world):
        endpoints = [await world.endpoint() for _ in range(20)]
        blocked = await world.endpoint(ordering=Ordering.ENDPOINT)
        due = {}
        for endpoint in endpoints:
            due[endpoint.id] = world.clock.time
            for _ in range(3):
                await world.publish(endpoint)
        for _ in range(2):
            await world.publish(blocked, lane="*")
        await world.claim(blocked)
        assert await world.waiting() == due
        ours = {shard_of(endpoint.id) for endpoint in endpoints[:7]}
        wanted = {one: at for one, at in due.items() if shard_of(one) in ours}
        assert len(wanted) >= 7
        assert await world.waiting(ours) == wanted
        assert await world.waiting(()) == {}
        for endpoint in endpoints:
            await world.claim(endpoint)
        assert await world.waiting() == {}

    tell(story)


@pytest.mark.fault("R24")
@pytest.mark.parametrize("late", [[0, 1, 2], [2, 1, 0], [1, 2, 0]], ids=str)
def test_what_joins_a_lane_late_though_it_was_accepted_first_waits_for_what_is_being_sent(tell, late):
    """As the events of two nodes do, or a resend and events in one commit; among each other they keep their order."""

    async def story(world):
        endpoint = await world.endpoint(ordering=Ordering.ENDPOINT)
        early = [world.ids.take(world.clock.time, 2) for _ in late]
        events = [(await world.publish(endpoint, lane="*")).id for _ in range(2)]
        [head] = await world.claim(endpoint)
        for place in late:
            event = Event(early[place], "default", "asset.created", b"{}", world.clock.time, world.clock.time)
            new = NewDelivery(event.id + 1, endpoint.id, lane="*")
            await world.store.journal.accept(Acceptance("default", [event], [[new]], world.clock.time))
            assert not await world.claim(endpoint), "one at a time"
        sent = [head.event.id]
        while head is not None:
            assert await world.store.journal.record(world.completion(head, endpoint))
            head = next(iter(await world.claim(endpoint)), None)
            sent += [] if head is None else [head.event.id]
        assert sent == [events[0], *early, events[1]]

    tell(story)


def test_a_delivery_whose_endpoint_was_deleted_cannot_be_resent(tell):
    async def story(world):
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        await world.store.endpoints.remove("default", endpoint.id, world.entry())
        with pytest.raises(Conflict, match="deleted"):
            await world.store.queue.resend("default", event.id + 1, Trigger.RESEND, world.clock.time)

    tell(story)


def test_an_event_can_be_sent_to_an_endpoint_that_never_had_it(tell):
    async def story(world):
        event = await world.publish()
        endpoint = await world.endpoint()
        await world.store.queue.add(event, endpoint.id, None)
        [delivery] = await world.deliveries(event=event.public_id)
        assert (delivery.state, delivery.attempts) == (State.CANCELLED, 0)
        await world.store.queue.resend("default", delivery.id, Trigger.REPLAY, world.clock.time)
        [claimed] = await world.claim(endpoint)
        assert (claimed.id, claimed.event, claimed.trigger) == (delivery.id, event, Trigger.REPLAY)
        await world.store.journal.record(world.completion(claimed, endpoint))

    tell(story)


def test_an_endpoint_that_is_not_ordered_any_more_lets_nothing_wait(tell):
    async def story(world):
        endpoint = await world.endpoint(ordering=Ordering.ASSET)
        events = [await world.publish(endpoint, lane="a1") for _ in range(3)]
        [head] = await world.claim(endpoint)
        changed = await world.change(endpoint, ordering=Ordering.NONE)
        world.clock.move(1000)
        rest = await world.claim(changed)
        assert [one.event.id for one in (head, *rest)] == [event.id for event in events]
        for one in (*rest, head):
            assert await world.store.journal.record(world.completion(one, changed))

    tell(story)


@pytest.mark.fault("R4")
def test_a_completion_of_a_claim_that_was_lost_changes_nothing_but_is_recorded(tell):
    async def story(world):
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        [late] = await world.claim(endpoint)
        await world.store.queue.release([late])
        [current] = await world.claim(endpoint, 1, claim_id=8)
        assert late.claim_id != current.claim_id
        assert not await world.store.journal.record(world.completion(late, endpoint))
        [delivery] = await world.deliveries(event=event.public_id)
        assert delivery.state is State.SENDING
        assert await world.store.journal.record(world.completion(current, endpoint))
        [delivery] = await world.deliveries(event=event.public_id)
        assert delivery.state is State.DELIVERED

    tell(story)
