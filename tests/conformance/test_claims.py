"""Claims against everything else that moves a delivery at the same moment, in one commit."""

import asyncio

import pytest
from tests.conformance.world import PLENTY

from reelhook.errors import Conflict
from reelhook.model.delivery import State, Trigger
from reelhook.model.endpoint import Ordering


@pytest.mark.fault("R22")
def test_a_delivery_that_is_resent_in_the_commit_that_claims_it_is_queued_once(tell):
    async def story(world):
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        delivery_id = event.id + 1
        world.clock.move(1000)
        resent = world.store.queue.resend("default", delivery_id, Trigger.RESEND, world.clock.time)
        first, _ = await asyncio.gather(world.store.queue.claim(endpoint.id, 10, world.clock.time, 7, PLENTY), resent)
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
        claimed, delivery = await asyncio.gather(
            world.store.queue.claim(endpoint.id, 10, world.clock.time, 7, PLENTY), cancelled
        )
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
        claimed, *refusals = await asyncio.gather(claim, resent, cancelled, return_exceptions=True)
        assert len(claimed) == 1
        assert all(isinstance(refusal, Conflict) for refusal in refusals)

    tell(story)


def test_what_two_claims_of_one_commit_find_is_taken_once(tell):
    async def story(world):
        endpoint = await world.endpoint()
        for _ in range(5):
            await world.publish(endpoint)
        claims = [world.store.queue.claim(endpoint.id, 3, world.clock.time, number, PLENTY) for number in (7, 8)]
        first, second = await asyncio.gather(*claims)
        taken = [one.id for one in (*first, *second)]
        assert len(taken) == len(set(taken)) == 3
        assert len(await world.claim(endpoint)) == 2

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
        [current] = await world.store.queue.claim(endpoint.id, 1, world.clock.time, 8, PLENTY)
        assert late.claim_id != current.claim_id
        assert not await world.store.journal.record(world.completion(late, endpoint))
        [delivery] = await world.deliveries(event=event.public_id)
        assert delivery.state is State.SENDING
        assert await world.store.journal.record(world.completion(current, endpoint))
        [delivery] = await world.deliveries(event=event.public_id)
        assert delivery.state is State.DELIVERED

    tell(story)
