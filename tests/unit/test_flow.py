"""The flow over a journal and a dispatcher that are lists: what is promised, to whom, and what is told to whom."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from tests.conformance.world import HandClock
from tests.unit.samples import NOW, an_endpoint

from reelhook.dialects.table import dialect_named
from reelhook.errors import Invalid, Malformed, Unavailable
from reelhook.model.access import App
from reelhook.model.endpoint import ChangeCondition, Conditions, Ordering
from reelhook.model.event_type import EventType
from reelhook.model.ids import IdSource
from reelhook.pipeline.directory import Directory
from reelhook.pipeline.flow import Flow
from reelhook.pipeline.prepare import Preparing
from reelhook.pipeline.record import Recorder
from reelhook.pipeline.sending import Sending
from reelhook.ports import Acceptance, Claimed


class World:
    """Journal and dispatcher at once. Places are granted while `room` lasts."""

    def __init__(self, *endpoints: Any, types: Sequence[EventType] = (), room: int = 0, **limits: Any) -> None:
        self.acceptances: list[Acceptance] = []
        self.fails: Exception | None = None
        self.room = room
        self.reserved = 0
        self.taken: list[Claimed] = []
        self.hinted: set[int] = set()
        self.told: list[tuple[int, int, int]] = []
        self.directory = Directory(dialect_named)
        self.directory.load([App("default", "Default", NOW, NOW, limits=limits)], types, endpoints)
        nobody: Any = None
        clock = HandClock()
        sending = Sending(Preparing(nobody), nobody, clock)
        self.flow = Flow(self.directory, self, self, sending, Recorder(clock, IdSource(), float), clock, IdSource())
        self.flow.on_accepted = lambda events, deliveries, handed: self.told.append((len(events), deliveries, handed))

    def publish(self, *bodies: Any, **options: Any) -> list[Any]:
        async def all_of_them() -> list[Any]:
            return [msgspec.json.decode(await self._publish(body, options)) for body in bodies]

        return asyncio.run(all_of_them())

    async def _publish(self, body: Any, options: dict[str, Any]) -> bytes:
        given = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.flow.publish("default", given, **options)

    # Journal

    def recall(self, app_id: str, kind: str, key: str) -> None:
        """Nothing is known."""

    def accept(self, acceptance: Acceptance) -> "asyncio.Future[bytes]":
        future = asyncio.get_running_loop().create_future()
        if self.fails is not None:
            future.set_exception(self.fails)
        else:
            self.acceptances.append(acceptance)
            future.set_result(acceptance.answer)
        return future

    # HandOver

    def reserve(self, endpoint_id: int, size: int) -> bool:
        if self.reserved >= self.room:
            return False
        self.reserved += 1
        return True

    def take(self, claimed: Sequence[Claimed]) -> None:
        self.reserved -= len(claimed)
        self.taken += claimed

    def cancel(self, places: Sequence[tuple[int, int]]) -> None:
        self.reserved -= len(places)

    def waits(self, endpoint_ids: Iterable[int], due_at: int) -> None:
        self.hinted |= set(endpoint_ids)


EVENT = {"type": "asset.created", "data": {"asset": {"id": "ast_1"}}}


def test_an_event_is_promised_to_every_endpoint_that_subscribes_in_one_acceptance() -> None:
    world = World(an_endpoint(id=1), an_endpoint(id=2, events=("live.*",)), an_endpoint(id=3, events=("asset.*",)))
    (answer,) = world.publish(EVENT)
    (acceptance,) = world.acceptances
    assert [new.endpoint_id for new in acceptance.deliveries[0]] == [1, 3]
    assert (answer["id"], answer["deliveries"]) == (acceptance.events[0].public_id, 2)


def test_the_deliveries_of_an_event_have_the_ids_that_follow_its_own() -> None:
    world = World(an_endpoint(id=1), an_endpoint(id=2))
    world.publish([EVENT, EVENT], batch=True)
    (acceptance,) = world.acceptances
    for event, deliveries in zip(acceptance.events, acceptance.deliveries, strict=True):
        assert [new.id for new in deliveries] == [event.id + 1, event.id + 2]


def test_an_event_that_nobody_wants_is_accepted_all_the_same() -> None:
    world = World()
    assert world.publish(EVENT)[0]["deliveries"] == 0
    assert len(world.acceptances) == 1


def test_conditions_are_asked_of_each_event() -> None:
    world = World(
        an_endpoint(id=1, conditions=Conditions(changes=(ChangeCondition("asset.metadata_changed", "title"),)))
    )
    changed = {"type": "asset.metadata_changed", "data": {"asset": {"id": "a"}, "changes": [{"field": "title"}]}}
    other = {"type": "asset.metadata_changed", "data": {"asset": {"id": "a"}, "changes": [{"field": "size"}]}}
    assert [answer["deliveries"] for answer in world.publish(changed, other)] == [1, 0]


# Handing over


def test_what_has_a_place_is_claimed_and_handed_over_and_the_rest_is_hinted_at() -> None:
    world = World(an_endpoint(id=1), an_endpoint(id=2), room=1)
    world.publish(EVENT)
    first, second = world.acceptances[0].deliveries[0]
    assert (first.claim_id, second.claim_id) == (first.id, 0)
    assert [(one.id, one.claim_id, one.attempts, one.from_queue) for one in world.taken] == [
        (first.id, first.id, 1, False)
    ]
    assert world.hinted == {2}
    assert world.told == [(1, 2, 1)]


def test_places_are_given_back_when_the_commit_fails() -> None:
    world = World(an_endpoint(id=1), an_endpoint(id=2), room=5)
    world.fails = Unavailable("not now")
    with pytest.raises(Unavailable):
        world.publish(EVENT)
    assert (world.reserved, world.taken, world.told) == (0, [], [])


@pytest.mark.fault("S18")
@pytest.mark.parametrize("depth", [*range(20, 1000, 49), 5_000, 200_000])
@pytest.mark.parametrize("extra", [{}, {"id": "mine"}])
def test_however_deep_the_data_are_no_place_is_lost_and_nothing_breaks(depth: int, extra: dict[str, str]) -> None:
    conditional = Conditions(expression="event.type == 'asset.created'")
    world = World(
        an_endpoint(id=1),
        an_endpoint(id=2, ordering=Ordering.ASSET),
        an_endpoint(id=3, conditions=conditional),
        types=[EventType("asset.created", "asset", "", {"type": "array"}, validate=True, app_id="default")],
        room=100,
    )
    head = msgspec.json.encode({"type": "asset.created"} | extra)[:-1]
    body = head + b',"data":' + b"[" * depth + b"]" * depth + b"}"
    with suppress(Malformed, Invalid):
        world.publish(body)
    assert world.reserved == 0


# Lanes


@pytest.mark.parametrize(
    ("ordering", "event", "lane"),
    [
        (Ordering.NONE, EVENT | {"ordering_key": "k"}, None),
        (Ordering.ASSET, EVENT, "ast_1"),
        (Ordering.ASSET, EVENT | {"ordering_key": "k"}, "k"),
        (Ordering.ASSET, EVENT | {"data": {"asset": {"id": 7}}}, "7"),
        (Ordering.ASSET, EVENT | {"data": {"user": {"id": "u"}}}, None),
        (Ordering.ASSET, EVENT | {"data": [1, 2]}, None),
        (Ordering.ASSET, EVENT | {"data": {"asset": "ast_1"}}, None),
        (Ordering.ENDPOINT, EVENT, "*"),
        (Ordering.ENDPOINT, EVENT | {"data": 5}, "*"),
    ],
)
def test_the_lane_is_the_ordering_key_else_the_asset(ordering: Ordering, event: Any, lane: str | None) -> None:
    world = World(an_endpoint(id=1, ordering=ordering))
    world.publish(event)
    assert world.acceptances[0].deliveries[0][0].lane == lane


# Refusals


def refusal(world: World, body: Any, **options: Any) -> Invalid:
    with pytest.raises(Invalid) as refused:
        world.publish(body, **options)
    assert not world.acceptances
    return refused.value


def test_a_strict_app_refuses_types_that_its_catalogue_does_not_know() -> None:
    unknown = {"type": "mine.own", "data": {}}
    assert refusal(World(strict_types=True), unknown).errors[0].pointer == "/type"
    assert World().publish(unknown)
    known = EventType("mine.own", "mine", "", app_id="default")
    assert World(types=[known], strict_types=True).publish(unknown)


def test_data_that_do_not_fit_a_checked_type_are_refused_with_their_place() -> None:
    checked = EventType(
        "mine.own", "mine", "", {"properties": {"n": {"type": "integer"}}}, validate=True, app_id="default"
    )
    good, bad = ({"type": "mine.own", "data": {"n": value}} for value in (1, "x"))
    assert refusal(World(types=[checked]), bad).errors[0].pointer == "/data/n"
    assert refusal(World(types=[checked]), [good, bad], batch=True).errors[0].pointer == "/1/data/n"
    assert refusal(World(types=[checked]), [bad], batch=True).errors[0].pointer == "/0/data/n"


def test_an_announcement_is_an_event_with_its_source() -> None:
    world = World(an_endpoint(id=1, events=("endpoint.disabled",)), an_endpoint(id=2))

    async def announce() -> None:
        await world.flow.announce("default", "endpoint.disabled", b'{"a":1}', "reelhook")

    asyncio.run(announce())
    (acceptance,) = world.acceptances
    assert (acceptance.events[0].source, acceptance.events[0].data) == ("reelhook", b'{"a":1}')
    assert [new.endpoint_id for new in acceptance.deliveries[0]] == [1]
