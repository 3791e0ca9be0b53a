"""A publish with an `Idempotency-Key`, or with ids of the client's, happens once. The journal is a dictionary."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
import pytest
from tests.worker.virtual import LoopClock, virtually

from reelhook.errors import Conflict, Invalid, Unavailable
from reelhook.model.ids import IdSource
from reelhook.pipeline import accept
from reelhook.pipeline.once import EVENT_ID_LIFE_MS, KEY_LIFE_MS, Once
from reelhook.pipeline.values import Draft
from reelhook.ports import Key, StoredKey

KEYED = ("7:event", "k1", b"fingerprint of the body")


class Keys:
    """In the place of the journal: what is stored, what is being stored, and how often something was committed."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, str], Key] = {}
        self.storing: dict[tuple[str, str, str], asyncio.Future[StoredKey | None]] = {}
        self.commits: list[list[str]] = []
        self.failures: list[Exception] = []
        self.clock = LoopClock()
        self.ids = IdSource()
        self.once = Once(self, self.clock)

    def recall(self, app_id: str, kind: str, key: str) -> Any:
        name = (app_id, kind, key)
        if name in self.storing:
            return asyncio.shield(self.storing[name])
        found = self.stored.get(name)
        return found and StoredKey(found.fingerprint, found.answer, found.event_id)

    async def publish(
        self, *drafts: dict[str, Any], keyed: Any = None, app_id: str = "default", batch: Any = None
    ) -> Any:
        batch = len(drafts) > 1 if batch is None else batch
        read = accept.read_batch(msgspec.json.encode([{"type": "asset.created", "data": {}} | one for one in drafts]))
        answer = await self.once.publish(app_id, read, keyed, partial(self._commit, app_id), batch=batch)
        return msgspec.json.decode(answer)

    async def _write(self, app_id: str, keys: Sequence[Key], answer: bytes) -> bytes:
        await asyncio.sleep(0.001)
        error = self.failures.pop(0) if self.failures else None
        for key in keys:
            name = (app_id, key.kind, key.key)
            if error is None:
                self.stored[name] = key
            self.storing.pop(name).set_result(None)
        if error is not None:
            raise error
        return answer

    def _commit(self, app_id: str, drafts: Sequence[Draft], *, batch: bool, keys: Any) -> Any:
        now = self.clock.wall()
        events = [accept.make_event(draft, app_id, self.ids.take(now), now) for draft in drafts]
        receipts = [accept.receipt(event, 1) for event in events]
        answer = accept.answer(receipts, batch=batch)
        self.commits.append([event.public_id for event in events])
        made = keys(events, [accept.answer([one], batch=False) for one in receipts], answer)
        for key in made:
            self.storing[app_id, key.kind, key.key] = asyncio.get_running_loop().create_future()
        return asyncio.ensure_future(self._write(app_id, made, answer))


def play(story: Any) -> Keys:
    async def begin() -> Keys:
        keys = Keys()
        await story(keys)
        return keys

    return virtually(begin())


# The Idempotency-Key


@pytest.mark.fault("R25")
def test_fifty_at_once_with_one_key_are_one_event_and_one_answer() -> None:
    async def story(keys: Keys) -> None:
        answers = await asyncio.gather(*(keys.publish({}, keyed=KEYED) for _ in range(50)))
        assert all(answer == answers[0] for answer in answers)

    assert len(play(story).commits) == 1


@pytest.mark.fault("R26")
def test_a_key_used_with_another_body_is_refused() -> None:
    async def story(keys: Keys) -> None:
        await keys.publish({}, keyed=KEYED)
        with pytest.raises(Invalid, match="another body") as refusal:
            await keys.publish({}, keyed=(*KEYED[:2], b"another"))
        assert refusal.value.problem_slug == "idempotency-key-reused"

    assert len(play(story).commits) == 1


@pytest.mark.fault("R26")
def test_the_same_key_of_another_app_or_route_is_another_key() -> None:
    async def story(keys: Keys) -> None:
        await keys.publish({}, keyed=KEYED)
        await keys.publish({}, keyed=KEYED, app_id="other")
        await keys.publish({}, keyed=("7:batch", *KEYED[1:]))

    assert len(play(story).commits) == 3


def test_when_the_first_could_not_be_stored_the_second_is_a_new_try() -> None:
    async def story(keys: Keys) -> None:
        keys.failures = [Unavailable("not now")]
        first, second = await asyncio.gather(
            keys.publish({}, keyed=KEYED), keys.publish({}, keyed=KEYED), return_exceptions=True
        )
        assert isinstance(first, Unavailable)
        assert second["type"] == "asset.created"

    assert len(play(story).commits) == 2


def test_a_key_lives_for_a_day_and_an_event_id_longer_than_its_event() -> None:
    async def story(keys: Keys) -> None:
        await keys.publish({"id": "mine"}, keyed=KEYED)
        now = keys.clock.wall()
        lives = {key.kind: key.expires_at - now for key in keys.stored.values()}
        assert lives["7:event"] == pytest.approx(KEY_LIFE_MS, abs=10)
        assert lives["event"] == pytest.approx(EVENT_ID_LIFE_MS, abs=10)
        assert len({key.event_id for key in keys.stored.values()}) == 1

    play(story)


# Ids of the client's


def test_an_event_published_again_with_its_id_gets_the_first_answer() -> None:
    async def story(keys: Keys) -> None:
        first = await keys.publish({"id": "mine", "data": {"a": 1, "b": [2]}})
        await asyncio.sleep(60)
        assert await keys.publish({"data": {"b": [2], "a": 1}, "id": "mine"}) == first

    assert play(story).commits == [["mine"]]


@pytest.mark.parametrize("change", [{"data": 2}, {"type": "asset.updated"}, {"ordering_key": "k"}])
def test_an_id_known_with_other_content_is_a_conflict(change: dict[str, Any]) -> None:
    async def story(keys: Keys) -> None:
        await keys.publish({"id": "mine", "data": 1})
        with pytest.raises(Conflict, match="mine"):
            await keys.publish({"id": "mine", "data": 1} | change)

    assert len(play(story).commits) == 1


def test_many_at_once_with_one_id_are_one_event() -> None:
    async def story(keys: Keys) -> None:
        answers = await asyncio.gather(*(keys.publish({"id": "mine"}) for _ in range(20)))
        assert all(answer == answers[0] for answer in answers)

    assert play(story).commits == [["mine"]]


def test_of_a_batch_only_what_is_new_is_stored_and_the_answer_keeps_its_order() -> None:
    async def story(keys: Keys) -> None:
        (first, second) = (await keys.publish({"id": "a"}, {"id": "b"}))["items"]
        items = (await keys.publish({"id": "c"}, {"id": "b"}, {}, {"id": "a"}))["items"]
        assert [items[3], items[1]] == [first, second]
        assert [items[0]["id"], items[2]["id"][:4]] == ["c", "evt_"]
        again = (await keys.publish({"id": "a"}, {"id": "b"}, {"id": "c"}))["items"]
        assert again == [first, second, items[0]]

    assert [len(commit) for commit in play(story).commits] == [2, 2]


def test_a_batch_with_one_conflicting_id_stores_nothing() -> None:
    async def story(keys: Keys) -> None:
        await keys.publish({"id": "a", "data": 1})
        with pytest.raises(Conflict):
            await keys.publish({"id": "new"}, {"id": "a", "data": 2})

    assert play(story).commits == [["a"]]


def test_a_batch_of_one_is_answered_as_a_batch_however_often_it_comes() -> None:
    async def story(keys: Keys) -> None:
        first = await keys.publish({"id": "a"}, batch=True)
        assert list(first) == ["items"]
        assert await keys.publish({"id": "a"}, batch=True) == first
        assert await keys.publish({"id": "a"}) == first["items"][0]

    play(story)


def test_a_keyed_batch_of_which_some_was_known_is_repeated_whole() -> None:
    async def story(keys: Keys) -> None:
        await keys.publish({"id": "a"})
        first = await keys.publish({"id": "a"}, {"id": "b"}, keyed=KEYED)
        assert [item["id"] for item in first["items"]] == ["a", "b"]
        assert await keys.publish({"id": "a"}, {"id": "b"}, keyed=KEYED) == first

    assert play(story).commits == [["a"], ["b"]]


def test_an_id_that_a_batch_repeats_with_equal_content_is_one_event() -> None:
    async def story() -> None:
        keys = Keys()
        answer = await keys.publish({"id": "a"}, {"id": "b"}, {"id": "a"}, keyed=KEYED)
        first, second, third = answer["items"]
        assert (first, first["id"], second["id"]) == (third, "a", "b")
        assert len(keys.commits) == 1
        assert await keys.publish({"id": "a"}, {"id": "b"}, {"id": "a"}, keyed=KEYED) == answer
        assert await keys.publish({"id": "a"}, {"id": "a"}) == {"items": [first, first]}
        assert len(keys.commits) == 1

    virtually(story())


def test_an_id_that_a_batch_repeats_with_other_content_is_a_conflict() -> None:
    async def story() -> None:
        keys = Keys()
        with pytest.raises(Conflict, match="other content"):
            await keys.publish({"id": "a"}, {"id": "a", "data": {"title": "x"}})
        assert keys.commits == []

    virtually(story())
