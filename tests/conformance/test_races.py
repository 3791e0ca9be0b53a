"""R21: an owner edits, disables, enables and deletes endpoints while these are sent to, resent to and recovered.

Several things are asked for at once, in an order that a seed decides; `seed` in the name of a failing test replays it
as far as the machine lets it.
"""

import asyncio
import random

import pytest
from tests.conformance.conftest import Teller
from tests.conformance.house_of_races import House, Record, opened
from tests.conformance.world import World

from reelhook.model.attempt import Failure
from reelhook.model.delivery import State
from reelhook.model.endpoint import EndpointState

STEPS = 60
OPEN = (State.PENDING, State.SENDING, State.RETRYING)


async def live(house: House, steps: int) -> None:
    """Ask for one to five things at once, again and again."""
    asks = (
        (house.publish, 8), (house.answer, 8), (house.hold, 3), (house.enable, 4), (house.edit, 2),
        (house.resend, 3), (house.cancel, 1), (house.recover, 1), (house.remove, 0.4),
    )  # fmt: skip
    for _ in range(steps):
        many = house.dice.randint(1, 5)
        chosen = house.dice.choices([ask for ask, _ in asks], [weight for _, weight in asks], k=many)
        await asyncio.gather(*(ask() for ask in chosen))
        if house.dice.random() < 0.3:
            await asyncio.sleep(0.002)


async def settle(house: House) -> None:
    """Enable what is there, answer everything well, and wait until nothing is open any more."""
    house.wire.be_kind()
    for endpoint_id in set(house.record.endpoints) - house.record.removed:
        current = house.store.endpoints.get("default", endpoint_id)
        if current.state is not EndpointState.ACTIVE:
            await house.change(endpoint_id, state=EndpointState.ACTIVE)
    for _ in range(2000):
        await house.store.upkeep.expire(0, 500, house.world.clock.time)
        tasks = await house.store.tasks.unfinished()  # first: the last step of one opens deliveries and ends it at once
        busy = [one for one in await house.world.deliveries() if one.state in OPEN]
        if not busy and not tasks:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"lost, though everything is enabled and every receiver answers: {busy[:3]}")


async def check(house: House) -> None:
    """Compare what was promised with what is recorded and what was sent."""
    record = house.record
    assert record.forbidden == []
    deliveries = await house.world.deliveries()
    assert len(deliveries) == record.promised
    for delivery in deliveries:
        what = (delivery.event_public_id, delivery.endpoint_id)
        attempts = await house.store.log.attempts_of("default", delivery.id)
        assert [one.number for one in attempts] == list(range(1, len(attempts) + 1)), "each attempt is finished once"
        successes = sum(one.succeeded for one in attempts)
        assert successes <= record.succeeded[what]
        assert successes <= 1 + record.resent[delivery.id], "sent again though nobody has asked for it"
        made = [one for one in attempts if one.failure not in (Failure.INTERRUPTED, Failure.PREPARE)]
        assert len(made) <= record.sent[what] <= len(attempts)
        assert delivery.attempts == len(attempts)
        if delivery.endpoint_id in record.removed:
            continue
        wanted = {State.CANCELLED} if delivery.id in record.cancelled else {State.DELIVERED}
        # A recovery sends again what was cancelled, and may have come before or after a cancellation at the same time.
        assert delivery.state in wanted | {State.DELIVERED}, "nothing is lost"


@pytest.mark.fault("R21")
@pytest.mark.parametrize("seed", range(10))
def test_an_owner_who_changes_everything_at_once_loses_nothing_and_is_obeyed(tell: Teller, seed: int) -> None:
    record, dice = Record(), random.Random(seed)

    async def story(world: World) -> None:
        async with opened(world, record, dice) as house:
            for _ in range(3):
                await house.add_endpoint()
            await live(house, STEPS)
            await settle(house)
            await check(house)
            assert sum(record.sent.values()) > 20, "something must have happened"

    tell(story)


@pytest.mark.fault("R21")
@pytest.mark.parametrize("seed", range(100, 105))
def test_a_crash_amid_such_changes_loses_nothing_either(tell: Teller, seed: int) -> None:
    record, dice = Record(), random.Random(seed)

    async def first(world: World) -> None:
        async with opened(world, record, dice) as house:
            for _ in range(3):
                await house.add_endpoint()
            await live(house, STEPS // 2)

    async def second(world: World) -> None:
        async with opened(world, record, dice) as house:
            await live(house, STEPS // 2)
            await settle(house)
            await check(house)

    tell(first, crash=True)
    tell(second)
