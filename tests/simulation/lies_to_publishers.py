"""Lies that break what publishers were promised."""

from typing import Any

import pytest
from tests.simulation.lies import breaks, every, wrapped

from reelhook.errors import StorageFull
from reelhook.model.ids import EPOCH_MS, IdSource
from reelhook.pipeline import accept, promise
from reelhook.pipeline.flow import Flow
from reelhook.store.accepting import Accepting
from reelhook.store.commit import GroupCommit


@breaks("what was accepted is stored", 1)
def an_accepted_event_is_lost(patch: pytest.MonkeyPatch) -> None:
    now = every(7)

    def run(honest: Any, self: Accepting, connection: Any, acceptances: Any) -> list[bytes]:
        honest(self, connection, [one for one in acceptances if not now()])
        return [one.answer for one in acceptances]

    wrapped(patch, Accepting, "run", run)


@breaks("what was accepted is stored", 1)
def a_publisher_is_told_of_one_delivery_too_many(patch: pytest.MonkeyPatch) -> None:
    wrapped(patch, accept, "receipt", lambda honest, event, deliveries: honest(event, deliveries + 1))


@breaks("what was refused is not stored", 1, 4)
def a_publisher_is_told_that_the_disk_is_full_after_the_commit(patch: pytest.MonkeyPatch) -> None:
    now = every(5)

    async def publish(honest: Any, *args: Any, **options: Any) -> bytes:
        answer: bytes = await honest(*args, **options)
        if now():
            raise StorageFull("this is not true")
        return answer

    wrapped(patch, Flow, "publish", publish)


@breaks("nothing is stored that nobody published", 1)
def an_event_is_stored_for_a_neighbour_too(patch: pytest.MonkeyPatch) -> None:
    now = every(5)

    async def publish(honest: Any, self: Flow, app_id: str, body: bytes, **options: Any) -> bytes:
        if now():
            await honest(self, "neighbour", body, **options)
        answer: bytes = await honest(self, app_id, body, **options)
        return answer

    wrapped(patch, Flow, "publish", publish)


@breaks("the same request makes one event", 1)
def idempotency_keys_are_ignored(patch: pytest.MonkeyPatch) -> None:
    wrapped(patch, Flow, "publish", lambda honest, *args, once, **options: honest(*args, **options))


@breaks("publishers are refused only for good reasons", 0, 7)
def a_publisher_is_refused_while_there_is_space(patch: pytest.MonkeyPatch) -> None:
    now = every(20)

    async def publish(honest: Any, *args: Any, **options: Any) -> bytes:
        if now():
            raise StorageFull("this is not true")
        answer: bytes = await honest(*args, **options)
        return answer

    wrapped(patch, Flow, "publish", publish)


@breaks("a full disk keeps no publisher waiting", 58, 77, 110, 114)
def what_may_be_refused_waits_behind_what_must_be_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GroupCommit, "_refuse_rest", lambda self, error: None)


@breaks("later events have larger ids", 7, 13)
def ids_follow_a_clock_that_steps_back(patch: pytest.MonkeyPatch) -> None:
    def take(honest: Any, self: IdSource, now: int, *count: int) -> int:
        if now - EPOCH_MS < self._millisecond - 1000:
            self._millisecond, self._sequence = now - EPOCH_MS, 0
        number: int = honest(self, now, *count)
        return number

    wrapped(patch, IdSource, "take", take)


@breaks("every endpoint that matched gets the event", 1)
def an_endpoint_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    now = every(6)
    wrapped(patch, promise, "recipients", lambda honest, *args: honest(*args)[: -1 if now() else None])


@breaks("no other endpoint gets the event", 1, 7)
def conditions_are_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(promise, "recipients", lambda topic, *_: topic.routes)


@breaks("the lane is that of the event", 1)
def a_delivery_waits_in_the_wrong_lane(patch: pytest.MonkeyPatch) -> None:
    wrapped(patch, promise, "lane_of", lambda honest, *args: honest(*args) and "elsewhere")
