"""How an endpoint stands: what came of its last attempt, and whether a delivery was given up since it last took one."""

import asyncio

import pytest

from reelhook.model.delivery import State
from reelhook.model.standing import EndpointStanding


def test_an_endpoint_that_was_never_sent_to_has_no_last_delivery(tell):
    async def story(world):
        endpoint = await world.endpoint()
        await world.publish(endpoint)
        assert (await world.store.standing([endpoint.id]))[endpoint.id] == EndpointStanding()

    tell(story)


def test_the_last_attempt_tells_whether_the_last_delivery_succeeded(tell):
    async def story(world):
        endpoint, other = await world.endpoint(), await world.endpoint()
        await world.publish(endpoint, other)
        first = world.clock.time
        await world.send(endpoint)
        assert (await world.store.standing([endpoint.id]))[endpoint.id] == EndpointStanding(first, True)
        await world.publish(endpoint)
        second = world.clock.time
        await world.send(endpoint, status=503, state=State.RETRYING, due_at=second)
        assert (await world.store.standing([endpoint.id]))[endpoint.id] == EndpointStanding(second, False)
        assert (await world.store.standing([other.id]))[other.id] == EndpointStanding()

    tell(story)


def test_a_delivery_that_is_given_up_is_remembered_until_one_succeeds(tell):
    async def story(world):
        endpoint = await world.endpoint()
        await world.publish(endpoint)
        given_up = world.clock.time
        await world.send(endpoint, status=500)
        assert (await world.store.standing([endpoint.id]))[endpoint.id] == EndpointStanding(given_up, False, given_up)
        await world.publish(endpoint)
        await world.send(endpoint, status=500, state=State.RETRYING, due_at=world.clock.time)
        assert (await world.store.standing([endpoint.id]))[endpoint.id].exhausted_at == given_up
        return endpoint

    async def later(world):
        assert (await world.store.standing([endpoint.id]))[endpoint.id].exhausted_at is not None
        await world.send(endpoint)
        assert (await world.store.standing([endpoint.id]))[endpoint.id].exhausted_at is None

    endpoint = tell(story)
    tell(later)


@pytest.mark.parametrize(("statuses", "exhausted"), [((500, 200), False), ((200, 500), True), ((500, 500), True)])
def test_in_one_commit_the_last_word_counts(tell, statuses, exhausted):
    async def story(world):
        endpoint = await world.endpoint()
        for _ in statuses:
            await world.publish(endpoint)
        claimed = await world.claim(endpoint)
        completions = [world.completion(one, endpoint, status) for one, status in zip(claimed, statuses, strict=True)]
        await asyncio.gather(*map(world.store.journal.record, completions))
        standing = (await world.store.standing([endpoint.id]))[endpoint.id]
        assert standing.last_succeeded is (statuses[-1] == 200)
        assert (standing.exhausted_at is not None) is exhausted

    tell(story)


def test_an_endpoint_is_called_failed_until_its_owner_changes_it():
    standing = EndpointStanding(5000, False, 5000)
    assert standing.failed(changed_at=4999)
    assert not standing.failed(changed_at=5000)
    assert not EndpointStanding(5000, False).failed(changed_at=0)
