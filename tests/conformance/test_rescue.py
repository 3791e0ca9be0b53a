"""What a process that died had under way: freed by the next one, and not for ever."""

from typing import Any

import pytest
from tests.conformance.conftest import Teller
from tests.conformance.world import DAY, World

from reelhook.model.attempt import Failure
from reelhook.model.delivery import RESCUES_BEFORE_COUNTING, State, Trigger


def patient(_endpoint_id: int, _step: int) -> float:
    return 60.0


def one_retry(_endpoint_id: int, step: int) -> float | None:
    return 60.0 if step <= 1 else None


async def interrupt(world: World, endpoint: Any, wait: Any = patient) -> Any:
    """Claim everything that is due and free it again, as the next process would."""
    assert await world.claim(endpoint), "something must be under way"
    rescued = await world.store.queue.rescue(world.clock.time, wait)
    world.clock.move(1)
    return rescued


@pytest.mark.fault("R1")
def test_what_was_under_way_when_the_process_died_is_due_at_once_and_its_attempt_says_so(tell: Teller) -> None:
    async def before(world: World) -> Any:
        endpoint = await world.endpoint()
        for _ in range(3):
            await world.publish(endpoint)
        await world.claim(endpoint, 2)
        return endpoint

    endpoint = tell(before, crash=True)

    async def after(world: World) -> None:
        rescued = await world.store.queue.rescue(world.clock.time, patient)
        assert (rescued.count, rescued.given_up) == (2, [])
        attempts = await world.attempts()
        assert [one.failure for one in attempts] == [Failure.INTERRUPTED] * 2
        assert all("sent again" in one.error for one in attempts)
        claimed = await world.claim(endpoint)
        assert sorted(one.attempts for one in claimed) == [1, 2, 2]
        assert {one.step for one in claimed} == {0}

    tell(after)


def test_an_event_that_kills_the_process_whenever_it_is_sent_is_given_up_in_the_end(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        for _ in range(RESCUES_BEFORE_COUNTING - 1):
            assert (await interrupt(world, endpoint, one_retry)).given_up == []
        assert (await interrupt(world, endpoint, one_retry)).given_up == []
        assert not await world.claim(endpoint), "the fifth counts: it waits as after a failed attempt"
        world.clock.move(60_000)
        for _ in range(RESCUES_BEFORE_COUNTING - 1):
            await interrupt(world, endpoint, one_retry)
        rescued = await interrupt(world, endpoint, one_retry)
        [given_up] = rescued.given_up
        assert (given_up.delivery_id, given_up.state, given_up.attempt.number) == (event.id + 1, State.FAILED, 10)
        assert given_up.attempt.event.public_id == event.public_id
        [delivery] = await world.deliveries(state="failed")
        assert (delivery.attempts, delivery.next_attempt_at) == (10, None)
        [last, *_] = await world.attempts()
        assert (last.failure, "given up" in last.error, "resend" in last.error) == (Failure.INTERRUPTED, True, True)
        assert await world.waiting() == {}
        assert (await world.store.log.stats("default", endpoint.id, 0, world.clock.time + DAY, 365 * DAY)).failed == 1

    tell(story)


def test_a_delivery_that_is_given_up_by_its_rescue_lets_its_lane_go_on(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        first = await world.publish(endpoint, lane="v1")
        second = await world.publish(endpoint, lane="v1")
        for _ in range(RESCUES_BEFORE_COUNTING):
            await interrupt(world, endpoint, lambda *_: None)
        assert [one.id for one in await world.deliveries(state="failed")] == [first.id + 1]
        assert [one.id for one in await world.claim(endpoint)] == [second.id + 1]

    tell(story)


def test_an_attempt_that_ends_or_a_resend_makes_the_interruptions_before_it_forgotten(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        for _ in range(RESCUES_BEFORE_COUNTING - 1):
            await interrupt(world, endpoint, one_retry)
        await world.send(endpoint, status=500, state=State.RETRYING, due_at=world.clock.time)
        for _ in range(RESCUES_BEFORE_COUNTING - 1):
            assert not (await interrupt(world, endpoint, lambda *_: None)).given_up
        await world.store.queue.resend("default", event.id + 1, Trigger.RESEND, world.clock.time)
        for _ in range(RESCUES_BEFORE_COUNTING - 1):
            assert not (await interrupt(world, endpoint, lambda *_: None)).given_up

    tell(story)
