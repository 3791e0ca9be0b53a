"""What must be known of an asset before its event is matched: its first context, and which changes were told."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any

import msgspec
import pytest
from tests.conformance.world import HandClock
from tests.unit.samples import NOW, an_endpoint

from reelhook.dialects.table import dialect_named
from reelhook.model.access import App
from reelhook.model.endpoint import Conditions
from reelhook.model.ids import IdSource
from reelhook.pipeline.directory import Directory
from reelhook.pipeline.flow import Flow
from reelhook.pipeline.prepare import Preparing
from reelhook.pipeline.recollection import Recalling
from reelhook.pipeline.record import Recorder
from reelhook.pipeline.sending import Sending
from reelhook.ports import Acceptance, Claimed, StoredKey, Telling

AT, LATER = "2026-11-21T06:30:00Z", "2026-11-21T06:30:01Z"


class World:
    """Store and dispatcher at once. What is asked for while it is `slow` is answered a turn of the loop later."""

    def __init__(self, *endpoints: Any, slow: bool = False) -> None:
        self.acceptances: list[Acceptance] = []
        self.stored: dict[str, str] = {}
        self.told: dict[Telling, str] = {}
        self.keys: dict[str, StoredKey] = {}
        self.asked: list[Any] = []
        self.slow = slow
        self.clock = HandClock()
        directory = Directory(dialect_named)
        directory.load([App("default", "Default", NOW, NOW)], (), endpoints)
        nobody: Any = None
        recalling = Recalling(directory, Asked(self, self.stored), Asked(self, self.told))
        sending = Sending(Preparing(nobody), nobody, self.clock)
        recorder = Recorder(self.clock, IdSource(), float)
        self.flow = Flow(directory, self, self, sending, recorder, self.clock, IdSource(), recalling=recalling)

    def publish(self, *events: Any, batch: bool = False) -> list[int]:
        """Publish one after the other, or as one batch; return how many deliveries each event got."""

        async def all_of_them() -> list[int]:
            if batch:
                return [one["deliveries"] for one in (await self._publish(list(events), batch=True))["items"]]
            return [(await self._publish(event))["deliveries"] for event in events]

        return asyncio.run(all_of_them())

    async def _publish(self, body: Any, *, batch: bool = False) -> Any:
        return msgspec.json.decode(await self.flow.publish("default", msgspec.json.encode(body), batch=batch))

    def recall(self, app_id: str, kind: str, key: str) -> StoredKey | None:
        return self.keys.get(key)

    def accept(self, acceptance: Acceptance) -> "asyncio.Future[bytes]":
        self.acceptances.append(acceptance)
        for asset, context in acceptance.contexts:
            self.stored.setdefault(asset, context)
        for told in acceptance.tellings:
            self.told.setdefault(told.telling, told.event_type)
        for key in acceptance.keys:
            self.keys[key.key] = StoredKey(key.fingerprint, key.answer, key.event_id)
        future = asyncio.get_running_loop().create_future()
        future.set_result(acceptance.answer)
        return future

    def reserve(self, endpoint_id: int, size: int) -> bool:
        return False

    def take(self, claimed: Sequence[Claimed]) -> None:
        """Nothing is handed over."""

    def cancel(self, places: Iterable[tuple[int, int]]) -> None:
        """Nothing was reserved."""

    def waits(self, endpoint_ids: Iterable[int], due_at: int) -> None:
        """Nobody waits."""


class Asked:
    """One of the two memories."""

    def __init__(self, world: World, memory: dict[Any, str]) -> None:
        self.world = world
        self.memory = memory

    def recall(self, app_id: str, wanted: Any) -> str | Awaitable[str | None] | None:
        self.world.asked.append(wanted)
        keys = [wanted] if isinstance(wanted, Telling) else wanted
        found = next((self.memory[key] for key in keys if key in self.memory), None)
        return self._later(found) if self.world.slow else found

    async def _later(self, found: str | None) -> str | None:
        await asyncio.sleep(0)
        return found


def an_endpoint_of(dialect: str, number: int = 1, **more: Any) -> Any:
    return an_endpoint(id=number, dialect=dialect, secret=None, **more)


def draft(event_type: str, asset: str = "d1", context: str | None = None, **more: Any) -> dict[str, Any]:
    data = {"id": asset} | ({} if context is None else {"context": context})
    return {"type": f"draft.{event_type}", "data": {"asset": data}} | more


def change(event_type: str, asset: str | int = "a1", occurred_at: str | None = AT, **more: Any) -> dict[str, Any]:
    said = {} if occurred_at is None else {"occurred_at": occurred_at}
    return {"type": f"asset.{event_type}", "data": {"asset": {"id": asset}}} | said | more


# Contexts

BOTH_WAYS = pytest.mark.parametrize("slow", [False, True], ids=["known at once", "looked up"])
AS_A_BATCH = pytest.mark.parametrize("batch", [False, True], ids=["one by one", "as a batch"])


@BOTH_WAYS
@AS_A_BATCH
def test_a_draft_without_a_context_is_told_when_one_came_before(slow: bool, batch: bool) -> None:
    world = World(an_endpoint_of("wochit"), slow=slow)
    events = [draft("deleted"), draft("created", context="page-7"), draft("deleted"), draft("deleted", "other")]
    assert world.publish(*events, batch=batch) == [0, 1, 1, 0]


@AS_A_BATCH
def test_the_context_may_come_with_an_event_that_nobody_subscribes_to(batch: bool) -> None:
    world = World(an_endpoint_of("wochit", events=("draft.delete",)))
    assert world.publish(draft("created", context="page-7"), draft("deleted"), batch=batch) == [0, 1]


def test_every_context_is_remembered_whoever_may_want_it_later() -> None:
    world = World()
    world.publish(draft("created", context="page-7"), {"type": "mine.own", "data": [1]})
    assert [one.contexts for one in world.acceptances] == [[("d1", "page-7")], []]
    assert world.asked == []


def test_a_context_is_known_by_the_id_of_the_system_too() -> None:
    world = World(an_endpoint_of("wochit"))
    created = draft("created", context="page-7")
    created["data"]["asset"]["ids"] = {"wochit": "w1", "vimeo": "v1"}
    assert world.publish(created, draft("deleted", "w1"), draft("deleted", "v1")) == [1, 1, 0]


def test_only_who_has_an_endpoint_that_remembers_is_asked_and_only_for_its_events() -> None:
    world = World(an_endpoint_of("standard"), an_endpoint_of("vimeo", 2), an_endpoint_of("wochit", 3))
    world.publish(change("deleted"), {"type": "mine.own", "data": {}, "occurred_at": AT})
    assert world.asked == []
    world.publish(draft("deleted"))
    assert world.asked == [("d1",)]


@pytest.mark.parametrize("options", [{"drafts": False}, {"draft_updates": False}])
def test_nobody_is_asked_where_a_context_would_change_nothing(options: dict[str, bool]) -> None:
    world = World(an_endpoint_of("wochit", options=options))
    assert world.publish(draft("updated"), draft("updated", context="page-7"), change("deleted")) == [0, 0, 1]
    assert world.asked == []


def test_an_event_that_says_a_context_itself_is_matched_without_asking() -> None:
    world = World(an_endpoint_of("wochit"))
    assert world.publish(draft("updated", context="page-7")) == [1]
    assert world.asked == []


def test_an_event_about_no_asset_is_matched_without_asking() -> None:
    world = World(an_endpoint_of("wochit"))
    assert world.publish({"type": "draft.deleted", "data": {}}, {"type": "asset.deleted", "data": 5}) == [0, 1]
    assert world.asked == []


# One change, told once


@BOTH_WAYS
def test_of_two_types_of_one_change_the_first_one_published_reaches_the_endpoint(slow: bool) -> None:
    world = World(an_endpoint_of("vimeo", events=("video-updated",)), an_endpoint_of("standard", 2), slow=slow)
    assert world.publish(change("tags_changed"), change("updated")) == [2, 1]
    assert world.publish(change("updated", "a2"), change("tags_changed", "a2")) == [2, 1]
    assert [[new.endpoint_id for new in one.deliveries[0]] for one in world.acceptances] == [[1, 2], [2]] * 2


@AS_A_BATCH
def test_a_move_and_a_new_name_are_two_changes(batch: bool) -> None:
    world = World(an_endpoint_of("vimeo", events=("video-updated",)), an_endpoint_of("vidizmo", 2))
    assert world.publish(change("moved"), change("renamed"), batch=batch) == [2, 2]
    told = ["updated", "moved", "renamed"]
    assert world.publish(*(change(one, "a2") for one in told), batch=batch) == [2, 0, 0]


def test_in_one_batch_the_plain_word_counts_for_both_wherever_it_stands() -> None:
    world = World(an_endpoint_of("vimeo", events=("video-updated",)))
    assert world.publish(change("moved"), change("renamed"), change("updated"), batch=True) == [0, 0, 1]


@AS_A_BATCH
def test_what_stands_in_for_a_plain_word_is_left_out_beside_a_specific_one(batch: bool) -> None:
    world = World(an_endpoint_of("vidizmo", events=("MashupUpdated",)))
    assert world.publish(change("moved"), change("processed"), change("transcoded"), batch=batch) == [1, 0, 0]


@AS_A_BATCH
@pytest.mark.parametrize(("dialect", "name"), [("vimeo", "live-event-updated"), ("vidizmo", "category:live_session")])
def test_everything_that_happens_to_a_live_event_is_told(dialect: str, name: str, batch: bool) -> None:
    world = World(an_endpoint_of(dialect, events=(name,)))
    happenings = ["paused", "resumed", "joined", "left"] + (["updated"] if dialect == "vimeo" else [])
    events = [{"type": f"live.{one}", "occurred_at": AT, "data": {"asset": {"id": "a1"}}} for one in happenings]
    assert world.publish(*events, batch=batch) == [1] * len(events)


def test_of_two_types_in_one_batch_the_dialect_prefers_one() -> None:
    world = World(an_endpoint_of("vimeo", events=("video-updated",)))
    events = [change("tags_changed"), change("updated"), change("info_changed"), change("tags_changed", "other")]
    assert world.publish(*events, batch=True) == [0, 1, 0, 1]


def test_what_an_earlier_publish_told_outweighs_what_the_dialect_prefers() -> None:
    world = World(an_endpoint_of("vimeo", events=("video-updated",)))
    world.publish(change("tags_changed"))
    assert world.publish(change("updated"), change("tags_changed"), batch=True) == [0, 1]


def test_two_types_in_one_batch_that_say_no_time_are_one_change() -> None:
    world = World(an_endpoint_of("scaleflex"), an_endpoint_of("standard", 2), an_endpoint_of("videocloud", 3))
    assert world.publish(change("created", occurred_at=None), change("uploaded", occurred_at=None), batch=True) == [
        1,
        3,
    ]
    other_assets = [change("created", "a2", None), change("uploaded", "a3", None)]
    assert world.publish(*other_assets, batch=True) == [3, 3]


def test_in_posts_of_their_own_two_types_that_say_no_time_are_two_changes() -> None:
    world = World(an_endpoint_of("scaleflex"))
    assert world.publish(change("created", occurred_at=None), change("uploaded", occurred_at=None)) == [1, 1]


def test_what_says_no_time_is_remembered_for_its_own_batch_alone() -> None:
    world = World(an_endpoint_of("scaleflex"))
    both = [change("created", occurred_at=None), change("uploaded", occurred_at=None)]
    assert world.publish(*both, batch=True) == world.publish(*both, batch=True) == [0, 1]
    assert [one.tellings for one in world.acceptances] == [[], []]
    assert world.asked == []


def test_a_pause_and_its_end_in_one_batch_both_reach_vidizmo() -> None:
    world = World(an_endpoint_of("vidizmo"))
    happened = [{"type": f"live.{one}", "data": {"asset": {"id": "a1"}}} for one in ("paused", "resumed")]
    assert world.publish(*happened, batch=True) == [1, 1]


@AS_A_BATCH
def test_what_is_not_said_to_be_one_change_is_none(batch: bool) -> None:
    world = World(an_endpoint_of("vimeo", events=("video-updated",)))
    events = [
        change("updated"),
        change("tags_changed", "other"),
        change("tags_changed", occurred_at=LATER),
        change("tags_changed", occurred_at=None),
        change("tags_changed", occurred_at=None),
        {"type": "asset.tags_changed", "data": {"asset": {}}, "occurred_at": AT},
    ]
    assert world.publish(*events, batch=batch) == [1] * 6


@AS_A_BATCH
def test_the_same_type_twice_is_two_events(batch: bool) -> None:
    world = World(an_endpoint_of("vimeo", events=("video-updated",)))
    assert world.publish(change("updated"), change("updated"), change("tags_changed"), batch=batch) == [1, 1, 0]


@AS_A_BATCH
def test_one_time_written_in_two_ways_is_one_time(batch: bool) -> None:
    world = World(an_endpoint_of("vimeo", events=("video-updated",)))
    events = [change("updated"), change("tags_changed", occurred_at="2026-11-21T07:30:00.000+01:00")]
    assert world.publish(*events, batch=batch) == [1, 0]


def test_each_endpoint_has_its_own_words() -> None:
    endpoints = [an_endpoint_of("vimeo", events=("video-updated",)), an_endpoint_of("scaleflex", 2)]
    world = World(*endpoints, an_endpoint_of("wochit", 3))
    assert world.publish(change("updated"), change("labels_changed")) == [1, 1]
    assert world.publish(change("processed"), change("transcoded")) == [1, 0]


def test_an_endpoint_whose_conditions_refuse_the_first_event_was_not_told() -> None:
    only_tags = Conditions(expression="event.type == 'asset.tags_changed'")
    world = World(an_endpoint_of("vimeo", events=("video-updated",), conditions=only_tags))
    assert world.publish(change("updated"), change("tags_changed")) == [0, 1]


def test_a_repetition_under_the_same_id_gets_the_first_answer_and_tells_nothing() -> None:
    world = World(an_endpoint_of("vimeo", events=("video-updated",)))
    first = change("updated", id="mine-1")
    assert world.publish(first, change("tags_changed"), first) == [1, 0, 1]
    assert world.publish(first, change("info_changed"), batch=True) == [1, 0]
    assert len(world.acceptances) == 3


def test_that_a_change_was_told_is_remembered_for_ten_minutes() -> None:
    world = World(an_endpoint_of("vimeo", events=("video-updated",)))
    world.publish(change("tags_changed", 7), change("tags_changed", 7))
    assert [one.tellings for one in world.acceptances][1:] == [[]]
    (told,) = world.acceptances[0].tellings
    assert told.telling == Telling(1, "video-updated", "7", 1795242600000)
    assert (told.event_type, told.expires_at) == ("asset.tags_changed", world.clock.wall() + 10 * 60_000)


def test_who_has_one_name_for_each_type_is_never_asked() -> None:
    world = World(an_endpoint_of("standard"), an_endpoint_of("vimeo", 2, events=("video-deleted",)))
    world.publish(change("updated"), change("tags_changed"), change("deleted"))
    assert world.asked == []
