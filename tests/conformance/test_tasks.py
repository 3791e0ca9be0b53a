"""Recover and replay: which deliveries move, in which steps, and that a crash repeats nothing."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from tests.conformance.conftest import PostgresTeller, Teller
from tests.conformance.world import START, World

from reelhook.errors import Conflict, NotFound
from reelhook.model.delivery import State, Trigger
from reelhook.model.endpoint import Endpoint, EndpointState
from reelhook.model.task import Selection, Task, TaskKind, TaskState
from reelhook.store import moving

RECOVER = (State.FAILED, State.CANCELLED)


async def begin(world: World, kind: TaskKind = TaskKind.RECOVER, **selection: Any) -> Task:
    now = world.clock.time
    task = Task(world.id(), "default", kind, TaskState.QUEUED, Selection(**selection), now, now)
    await world.store.tasks.add(task, world.entry())
    return task


async def finish(world: World, task: Task, limit: int = 100) -> Task:
    for _ in range(100):
        if task.state is TaskState.DONE:
            return task
        task, _ = await world.store.tasks.step(task, limit, world.clock.time)
    raise AssertionError("the task does not end")


async def failed(world: World, endpoint: Endpoint, count: int) -> list[int]:
    made = [(await world.publish(endpoint)).id + 1 for _ in range(count)]
    await world.send(endpoint, status=500)
    return made


async def states(world: World, chosen: Sequence[int]) -> set[State]:
    return {(await world.store.log.delivery("default", one)).state for one in chosen}


def test_recover_moves_failed_and_cancelled_deliveries_and_nothing_else(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint, other = await world.endpoint(), await world.endpoint()
        broken = await failed(world, endpoint, 3)
        elsewhere = await failed(world, other, 1)
        fine = (await world.publish(endpoint)).id + 1
        await world.send(endpoint)
        stopped = (await world.publish(endpoint)).id + 1
        await world.store.queue.cancel("default", stopped, world.clock.time)
        waiting = (await world.publish(endpoint)).id + 1
        selection = Selection(endpoint_id=endpoint.id, states=RECOVER, held=True)
        assert await world.store.tasks.count("default", selection) == 4
        task = await finish(world, await begin(world, endpoint_id=endpoint.id, states=RECOVER, held=True), limit=3)
        assert (task.done, task.state) == (4, TaskState.DONE)
        assert await states(world, [*broken, stopped, waiting]) == {State.PENDING}
        assert await states(world, elsewhere) == {State.FAILED}
        assert await states(world, [fine]) == {State.DELIVERED}
        claimed = {one.id: one for one in await world.claim(endpoint)}
        assert set(claimed) == {*broken, stopped, waiting}
        assert claimed[broken[0]].trigger is Trigger.RECOVER
        assert (claimed[broken[0]].step, claimed[broken[0]].attempts) == (0, 2), "numbers go on, the schedule restarts"
        assert claimed[waiting].trigger is Trigger.SCHEDULE

    tell(story)


def test_recover_takes_what_is_held_while_the_endpoint_is_paused(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await failed(world, endpoint, 1)
        await world.publish(endpoint)
        await world.send(endpoint, status=500, state=State.RETRYING, due_at=world.clock.time + 99_000)
        await world.publish(endpoint)
        await world.change(endpoint, state=EndpointState.PAUSED)
        held = Selection(endpoint_id=endpoint.id, states=RECOVER, held=True)
        assert await world.store.tasks.count("default", held) == 3
        assert await world.store.tasks.count("default", replace(held, held=False)) == 1
        task = await finish(world, await begin(world, endpoint_id=endpoint.id, states=RECOVER, held=True))
        assert task.done == 3
        assert {one.trigger for one in await world.claim(endpoint)} == {Trigger.RECOVER}

    tell(story)


def test_a_selection_keeps_to_its_span_of_time_and_its_app(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        made = await failed(world, endpoint, 5)
        count = world.store.tasks.count
        span = Selection(endpoint_id=endpoint.id, states=RECOVER)
        assert await count("default", span) == 5
        first = START
        assert await count("default", replace(span, since=first + 2)) == 3
        assert await count("default", replace(span, since=first + 2, until=first + 4)) == 2
        assert await count("default", replace(span, until=first)) == 0
        assert await count("other", span) == 0
        task = await begin(world, endpoint_id=endpoint.id, states=RECOVER, since=first + 1, until=first + 3)
        assert (await finish(world, task)).done == 2
        assert await states(world, made[1:3]) == {State.PENDING}
        assert await states(world, [made[0], *made[3:]]) == {State.FAILED}

    tell(story)


def test_replay_moves_everything_but_what_is_being_sent(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        done = [(await world.publish(endpoint)).id + 1 for _ in range(4)]
        await world.send(endpoint)
        await world.index()
        sending = (await world.publish(endpoint)).id + 1
        await world.claim(endpoint)
        tail = (await world.publish(endpoint)).id + 1
        task = await begin(world, TaskKind.REPLAY, endpoint_id=endpoint.id)
        later = (await world.publish(endpoint)).id + 1
        task = await finish(world, task, limit=2)
        assert task.done == 5
        assert await states(world, [*done, tail, later]) == {State.PENDING}
        assert await states(world, [sending]) == {State.SENDING}
        claimed = {one.id: one.trigger for one in await world.claim(endpoint)}
        assert claimed == {**dict.fromkeys([*done, tail], Trigger.REPLAY), later: Trigger.SCHEDULE}

    tell(story)


def test_an_event_is_replayed_to_all_its_endpoints_or_to_one(tell: Teller) -> None:
    async def story(world: World) -> None:
        one, two, gone = await world.endpoint(), await world.endpoint(), await world.endpoint()
        event = await world.publish(one, two, gone)
        await world.publish(one, two)
        for endpoint in (one, two, gone):
            await world.send(endpoint)
        await world.store.endpoints.remove("default", gone.id, world.entry())
        task = await finish(world, await begin(world, TaskKind.REPLAY_EVENT, event_id=event.id))
        assert task.done == 2
        assert [claimed.event.id for claimed in await world.claim(one)] == [event.id]
        assert [claimed.event.id for claimed in await world.claim(two)] == [event.id]
        assert await world.claim(gone) == []
        task = await begin(world, TaskKind.REPLAY_EVENT, event_id=event.id, endpoint_id=two.id)
        assert (await finish(world, task)).done == 0, "it is being sent"

    tell(story)


@pytest.mark.fault("R23")
def test_a_recover_goes_on_after_a_crash_and_enqueues_nothing_twice(tell: Teller) -> None:
    async def story(world: World) -> Any:
        endpoint = await world.endpoint()
        made = await failed(world, endpoint, 50)
        task = await begin(world, endpoint_id=endpoint.id, states=RECOVER)
        task, endpoints = await world.store.tasks.step(task, 20, world.clock.time)
        assert (task.done, list(endpoints), task.state) == (20, [endpoint.id], TaskState.RUNNING)
        await world.send(endpoint, limit=10, status=500)
        return endpoint, made, task

    endpoint, made, task = tell(story, crash=True)

    async def after(world: World) -> None:
        (found,) = await world.store.tasks.unfinished()
        assert found == task
        done = await finish(world, found, limit=7)
        assert done.done == 50
        assert await world.store.tasks.unfinished() == []
        assert await states(world, made[:10]) == {State.FAILED}, "they failed again behind the cursor"
        claimed = [one.id for one in await world.claim(endpoint)]
        assert sorted(claimed) == made[10:]

    tell(after)


@pytest.mark.fault("R23")
def test_a_step_repeated_from_an_old_cursor_moves_nothing(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await failed(world, endpoint, 6)
        old = await begin(world, endpoint_id=endpoint.id, states=RECOVER)
        new, _ = await world.store.tasks.step(old, 2, world.clock.time)
        again, endpoints = await world.store.tasks.step(old, 2, world.clock.time)
        assert (again, endpoints) == (new, ())
        assert (await finish(world, again)).done == 6

    tell(story)


@pytest.mark.fault("R23")
def test_of_the_same_step_on_two_nodes_only_one_counts(postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own: on SQLite there is one writer."""
    teller = PostgresTeller(postgres_database)
    honest = moving.move

    def slowly(*args: Any) -> Any:
        moved = honest(*args)
        time.sleep(0.3)  # the other node has its turn, if it is let
        return moved

    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await failed(world, endpoint, 6)
        task = await begin(world, TaskKind.REPLAY, endpoint_id=endpoint.id)
        other = await teller.open()
        try:
            monkeypatch.setattr(moving, "move", slowly)
            steps = [store.tasks.step(task, 2, world.clock.time) for store in (world.store, other)]
            stepped = await asyncio.gather(*steps)
        finally:
            await other.close()
        assert sorted(list(moved) for _, moved in stepped) == [[], [endpoint.id]]
        assert {(one.done, one.cursor) for one, _ in stepped} == {(2, stepped[0][0].cursor)}

    teller(story)


def test_a_change_of_rate_does_not_set_a_task_back(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await failed(world, endpoint, 4)
        task = await begin(world, endpoint_id=endpoint.id, states=RECOVER)
        await world.store.tasks.step(task, 2, world.clock.time)
        await world.store.tasks.change(replace(task, rate=5.0, state=TaskState.RUNNING), world.entry())
        stored = await world.store.tasks.get("default", task.id)
        assert (stored.rate, stored.done) == (5.0, 2)
        assert (await finish(world, stored)).done == 4

    tell(story)


def test_a_cancelled_task_moves_nothing_more_and_a_finished_one_cannot_change(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await failed(world, endpoint, 2)
        task = await begin(world, endpoint_id=endpoint.id, states=RECOVER)
        await world.store.tasks.change(replace(task, state=TaskState.CANCELLED), None)
        after, endpoints = await world.store.tasks.step(task, 2, world.clock.time)
        assert (after.state, after.done, endpoints) == (TaskState.CANCELLED, 0, ())
        with pytest.raises(Conflict):
            await world.store.tasks.change(replace(task, rate=1.0), None)
        with pytest.raises(NotFound):
            await world.store.tasks.change(replace(task, app_id="other"), None)
        assert await world.store.tasks.get("other", task.id) is None
        assert [one.id for one in (await world.store.tasks.page("default", None, 10)).items] == [task.id]

    tell(story)


@pytest.mark.fault("R24")
def test_recovered_deliveries_of_a_lane_go_to_its_end_in_their_order(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        made = [(await world.publish(endpoint, lane="v1")).id + 1 for _ in range(3)]
        for _ in made:
            await world.send(endpoint, status=500)
        waiting = [(await world.publish(endpoint, lane="v1")).id + 1 for _ in range(2)]
        other = (await world.publish(endpoint, lane="v2")).id + 1
        await finish(world, await begin(world, endpoint_id=endpoint.id, states=RECOVER), limit=2)
        order = []
        for _ in range(5):
            heads = await world.claim(endpoint)
            order += [one.id for one in heads if one.lane == "v1"]
            for one in heads:
                await world.store.journal.record(world.completion(one, endpoint))
        assert order == [*waiting, *made]
        assert await states(world, [*order, other]) == {State.DELIVERED}

    tell(story)


def test_a_replay_leaves_open_deliveries_of_a_lane_in_their_places(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        made = [(await world.publish(endpoint, lane="v1")).id + 1 for _ in range(4)]
        await world.send(endpoint)
        task = await finish(world, await begin(world, TaskKind.REPLAY, endpoint_id=endpoint.id))
        assert task.done == 4
        order = []
        for _ in range(4):
            (head,) = await world.claim(endpoint)
            order.append(head.id)
            assert head.trigger is Trigger.REPLAY
            await world.store.journal.record(world.completion(head, endpoint))
        assert order == [*made[1:], made[0]]
        assert await world.claim(endpoint) == []

    tell(story)


def test_a_task_of_a_removed_endpoint_ends_without_moving_anything(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        made = await failed(world, endpoint, 2)
        task = await begin(world, endpoint_id=endpoint.id, states=RECOVER)
        await world.store.endpoints.remove("default", endpoint.id, world.entry())
        assert (await finish(world, task)).done == 0
        assert await states(world, made) == {State.FAILED}

    tell(story)
