"""What belongs to a change is in its commit: the audit entry, the answer that is kept, the version it was meant for."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from tests.conformance.conftest import Teller
from tests.conformance.world import DAY, World

from reelhook.errors import Conflict, NotFound, ReelhookError
from reelhook.model.access import App, Role, Token
from reelhook.model.delivery import Trigger
from reelhook.model.event_type import EventType
from reelhook.model.task import Selection, Task, TaskKind, TaskState
from reelhook.ports import Key

KIND = "POST /v1/endpoints"


def key(world: World, text: str = "k1") -> Key:
    return Key(KIND, text, b"print", b'{"made": "once"}', world.clock.time + DAY)


async def actions(world: World, app_id: str = "default") -> list[str]:
    return [entry.action for entry in (await world.store.audit.page(app_id, None, 100)).items]


@pytest.mark.parametrize("action", ["resend", "cancel"])
def test_a_kill_between_a_resend_or_cancel_and_its_audit_entry_cannot_part_them(tell: Teller, action: str) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        queue = world.store.queue

        def act(entry: Any) -> Any:
            if action == "cancel":
                return queue.cancel("default", event.id + 1, world.clock.time, entry)
            return queue.resend("default", event.id + 1, Trigger.RESEND, world.clock.time, entry)

        [taken, *_] = (await world.store.audit.page("default", None, 1)).items
        world.clock.move(5)
        [before] = await world.deliveries()
        with pytest.raises(ReelhookError):  # an entry that cannot be written undoes what it tells of
            await act(replace(world.entry(action="again"), id=taken.id))
        assert await world.deliveries() == [before]
        await act(world.entry(action=f"delivery.{action}"))
        assert (await actions(world))[0] == f"delivery.{action}"
        assert "again" not in await actions(world)
        [after] = await world.deliveries()
        assert after.updated_at > before.updated_at

    tell(story)


def changes(world: World, endpoint: Any) -> dict[str, Any]:
    """Every change that a request with an `Idempotency-Key` can lead to, as a function of its answer."""
    now = world.clock.time
    store = world.store
    token = Token(world.id(), "default", "ci", Role.MEMBER, (), b"t" * 32, "abcd", now)
    task = Task(world.id(), "default", TaskKind.RECOVER, TaskState.QUEUED, Selection(endpoint.id), now, now)
    event_type = EventType("acme.thing", "acme", "", True, None)
    fresh = replace(endpoint, id=world.id())
    changed = replace(endpoint, version=2, name="changed")
    return {
        "an app": lambda answer: store.apps.add(App("acme", "Acme", now, now), world.entry(), answer),
        "a token": lambda answer: store.tokens.add(token, world.entry(), answer),
        "an endpoint": lambda answer: store.endpoints.add(fresh, world.entry(), answer),
        "a version": lambda answer: store.endpoints.change(changed, world.entry(), answer),
        "an event type": lambda answer: store.event_types.put(event_type, world.entry(), answer),
        "a task": lambda answer: store.tasks.add(task, world.entry(), answer),
    }


async def state(world: World, endpoint: Any) -> tuple[Any, ...]:
    store = world.store
    return (
        len(list(store.apps.all())),
        store.tokens.by_hash(b"t" * 32),
        [(one.id, one.version) for one in store.endpoints.all()],
        store.event_types.get("default", "acme.thing"),
        [task.id for task in await store.tasks.unfinished()],
        len((await store.audit.page("default", None, 100)).items),
    )


@pytest.mark.parametrize("what", ["an app", "a token", "an endpoint", "a version", "an event type", "a task"])
def test_a_kill_between_a_create_and_its_kept_answer_cannot_make_it_happen_twice(tell: Teller, what: str) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        answers = world.store.answers
        make = changes(world, endpoint)[what]
        before = await state(world, endpoint)
        await answers.keep("default", key(world))
        with pytest.raises(Conflict, match="Idempotency-Key"):
            await make(answers.seal("default", key(world)))
        assert await state(world, endpoint) == before, "whoever comes second with a key changes nothing"
        await make(answers.seal("default", key(world, "k2")))
        assert await state(world, endpoint) != before
        assert (await answers.recall("default", KIND, "k2")).answer == b'{"made": "once"}'

    tell(story)


def test_an_answer_is_not_kept_when_its_change_is_refused(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        answers = world.store.answers
        late = replace(endpoint, version=5)
        with pytest.raises(Conflict):
            await world.store.endpoints.change(late, world.entry(), answers.seal("default", key(world)))
        assert await answers.recall("default", KIND, "k1") is None

    tell(story)


def test_an_endpoint_that_changes_in_the_commit_that_removes_it_is_not_removed_unseen(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        changed = replace(endpoint, version=2, name="changed by somebody else")
        changing = world.store.endpoints.change(changed, world.entry())
        removing = world.store.endpoints.remove("default", endpoint.id, world.entry(), endpoint.version)
        _, refusal = await asyncio.gather(changing, removing, return_exceptions=True)
        assert isinstance(refusal, Conflict)
        assert world.store.endpoints.get("default", endpoint.id) == changed
        await world.store.endpoints.remove("default", endpoint.id, world.entry(), changed.version)
        assert world.store.endpoints.get("default", endpoint.id) is None
        with pytest.raises(NotFound):
            await world.store.endpoints.remove("default", endpoint.id, world.entry(), changed.version)

    tell(story)
