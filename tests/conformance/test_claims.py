"""Claims against everything else that moves a delivery at the same moment, in one commit."""

import asyncio

import pytest

from reelhook.errors import Conflict
from reelhook.model.delivery import State, Trigger


@pytest.mark.fault("R22")
def test_a_delivery_that_is_resent_in_the_commit_that_claims_it_is_queued_once(tell):
    async def story(world):
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        delivery_id = event.id + 1
        world.clock.move(1000)
        resent = world.store.queue.resend("default", delivery_id, Trigger.RESEND, world.clock.time)
        first, _ = await asyncio.gather(world.store.queue.claim(endpoint.id, 10, world.clock.time, 7), resent)
        claimed = [*first, *await world.claim(endpoint)]
        assert [one.id for one in claimed] == [delivery_id]
        assert world.store.queue.next_due(endpoint.id) is None
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
            world.store.queue.claim(endpoint.id, 10, world.clock.time, 7), cancelled
        )
        assert (list(claimed), delivery.state) == ([], State.CANCELLED)
        assert world.store.queue.next_due(endpoint.id) is None

    tell(story)


@pytest.mark.fault("R22")
def test_a_delivery_that_is_claimed_first_can_neither_be_resent_nor_cancelled(tell):
    async def story(world):
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        claim = world.store.queue.claim(endpoint.id, 10, world.clock.time, 7)
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
        claims = [world.store.queue.claim(endpoint.id, 3, world.clock.time, number) for number in (7, 8)]
        first, second = await asyncio.gather(*claims)
        taken = [one.id for one in (*first, *second)]
        assert len(taken) == len(set(taken)) == 3
        assert len(await world.claim(endpoint)) == 2

    tell(story)
