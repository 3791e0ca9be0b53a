"""What owners were told is remembered: a new start does not tell it again."""

from tests.conformance.conftest import Teller
from tests.conformance.world import World

from reelhook.model.endpoint import Endpoint, EndpointState


def test_a_restart_knows_whose_owner_was_told_and_when(tell: Teller) -> None:
    async def story(world: World) -> tuple[Endpoint, Endpoint]:
        told, untold = await world.endpoint(), await world.endpoint()
        for endpoint in (told, untold):
            await world.publish(endpoint)
            await world.send(endpoint, status=500)
        await world.store.notices.told({told.id: world.clock.time, 99: world.clock.time})
        return told, untold

    told, untold = tell(story)

    async def after(world: World) -> None:
        health = await world.store.health()
        assert health[told.id].notified_at == world.clock.time
        assert health[untold.id].notified_at is None
        assert 99 not in health, "nothing is made of an endpoint that was never sent to"
        paused = await world.change(told, state=EndpointState.PAUSED)
        await world.change(paused, state=EndpointState.ACTIVE)
        assert (await world.store.health())[told.id].notified_at is None, "enabled again, it starts afresh"

    tell(after)
