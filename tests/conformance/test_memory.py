"""What a store lets into memory: of a backlog of large events, and of what waits for a disk that stalls."""

import asyncio
from typing import Any

import pytest
from tests.conformance.conftest import Teller
from tests.conformance.world import World

from reelhook.errors import Unavailable
from reelhook.store.uncommitted import Uncommitted

KIB = b"x" * 1024


def test_a_claim_of_large_events_stops_at_its_bytes_but_takes_one_at_least(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        events = [await world.publish(endpoint, data=b'"' + KIB * 10 + b'"') for _ in range(6)]
        taken: list[int] = []
        for size, count in ((0, 1), (10_000, 1), (20_600, 2), (1 << 20, 2)):
            claimed = await world.claim(endpoint, size=size)
            assert len(claimed) == count
            taken += [one.event.id for one in claimed]
        assert taken == [event.id for event in events]

    tell(story)


def test_what_waits_for_a_disk_that_stalls_is_bounded_and_what_is_refused_is_not_stored(
    tell: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(world: World) -> None:
        await world.app("other")
        monkeypatch.setattr(world.store.journal, "_uncommitted", Uncommitted(100 * 1024))
        first = [world.publish(data=KIB * 10) for _ in range(9)]
        other = [world.publish(app_id="other", data=KIB * 10) for _ in range(9)]
        ends: list[Any] = await asyncio.gather(*first, *other, return_exceptions=True)
        accepted = [one for one in ends if not isinstance(one, BaseException)]
        assert len(accepted) == 10
        assert {type(one) for one in ends if one not in accepted} == {Unavailable}
        stored = [*await world.events(), *await world.events(app_id="other")]
        assert {event.id for event in stored} == {event.id for event in accepted}
        assert {event.app_id for event in stored} == {"default", "other"}, "each app has its half"
        assert world.store.journal._uncommitted.size == 0
        await world.publish(data=KIB * 200)

    tell(story)
