"""Two nodes change the same at once: what one of them learns of the other's later change stays, in memory too."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace
from tests.conformance.town_of_engines import NEVER_SECONDS, Node, two_nodes

from reelhook.model.audit import AuditEntry
from reelhook.model.endpoint import Endpoint, EndpointState
from reelhook.model.event_type import EventType
from reelhook.model.task import Selection, Task, TaskKind, TaskState

Act = Callable[[], Awaitable[Any]]


def entry(node: Node) -> AuditEntry:
    now = node.clock.wall()
    return AuditEntry(node.ids.take(now), "default", now, "system", "test", "it")


async def store(node: Node, endpoint: Endpoint) -> None:
    """Change an endpoint as the API does."""
    await node.store.endpoints.change(endpoint, entry(node))
    node.engine.changes.endpoint(endpoint)


async def remove(node: Node, endpoint: Endpoint) -> None:
    await node.store.endpoints.remove(endpoint.app_id, endpoint.id, entry(node))
    node.engine.changes.endpoint_removed(endpoint.id)


def meanwhile(node: Node, act: Act) -> None:
    """Let the next write of a node be heard of, by it, only after something that others do behind its commit, and of
    which it has learned then.
    """
    submit = node.store.commit.submit

    def late(kind: str, value: Any) -> "asyncio.Future[Any]":
        node.store.commit.submit = submit
        committed = submit(kind, value)
        return asyncio.ensure_future(_late(committed))

    async def _late(committed: "asyncio.Future[Any]") -> Any:
        result = await committed
        await act()
        await node.store.refresh()
        return result

    node.store.commit.submit = late


def test_a_change_that_was_overtaken_by_another_node_does_not_take_the_later_one_back(postgres_database: str) -> None:
    async def story() -> None:
        async with two_nodes(postgres_database, NEVER_SECONDS) as (one, two):
            first = await one.add_endpoint(one)
            await two.store.refresh()
            second = replace(first, version=2, name="renamed")
            paused = replace(second, version=3, state=EndpointState.PAUSED)

            async def pause() -> None:
                await two.store.refresh()
                await store(two, paused)

            meanwhile(one, pause)
            await store(one, second)
            assert one.engine.directory.endpoint(first.id) == paused
            await one.publish()
            await two.publish()
            await one.store.commit.drained()
            assert one.wire.sent == two.wire.sent == []

    asyncio.run(story())


@pytest.mark.parametrize("whole_app", [False, True], ids=["endpoint", "app"])
def test_a_change_does_not_bring_back_what_another_node_removed_meanwhile(
    postgres_database: str, whole_app: bool
) -> None:
    async def story() -> None:
        async with two_nodes(postgres_database, NEVER_SECONDS) as (one, two):
            app = replace(one.store.apps.get("default"), id="other")
            await one.store.apps.add(app, entry(one))
            one.engine.changes.app(app)
            now = one.clock.wall()
            made = Endpoint(one.ids.take(now), "other", 1, "https://receiver.example/in", now, now)

            async def take_away() -> None:
                await two.store.refresh()
                await (two.store.apps.remove("other", entry(two)) if whole_app else remove(two, made))

            meanwhile(one, take_away)
            await one.store.endpoints.add(made, entry(one))
            one.engine.changes.endpoint(made)
            assert one.engine.directory.endpoint(made.id) is None

    asyncio.run(story())


def test_an_owner_hears_of_each_of_two_changes_though_both_were_known_when_the_first_was_told(
    postgres_database: str,
) -> None:
    async def story() -> None:
        async with two_nodes(postgres_database, NEVER_SECONDS) as (one, _):
            first = await one.add_endpoint(one)
            paused = replace(first, version=2, state=EndpointState.PAUSED)
            disabled = replace(first, version=3, state=EndpointState.DISABLED)
            told: list[tuple[int | None, int | None]] = []
            one.engine.notifier.changed = lambda before, after, _=None: told.append(
                (before and before.version, after and after.version)
            )
            meanwhile(one, lambda: one.store.endpoints.change(disabled, entry(one)))
            await one.store.endpoints.change(paused, entry(one))
            one.engine.changes.endpoint(paused)
            one.engine.changes.endpoint(disabled)
            await remove(one, disabled)
            assert told == [(1, 2), (2, 3), (3, None)]
            assert one.engine.directory.endpoint(first.id) is None

    asyncio.run(story())


def test_an_app_and_its_types_stay_as_another_node_left_them(postgres_database: str) -> None:
    async def story() -> None:
        async with two_nodes(postgres_database, NEVER_SECONDS) as (one, two):
            app = one.store.apps.get("default")
            mine, yours = replace(app, name="mine"), replace(app, name="yours")
            meanwhile(one, lambda: two.store.apps.change(yours, entry(two)))
            await one.store.apps.change(mine, entry(one))
            one.engine.changes.app(mine)
            assert one.store.apps.get("default").name == "yours"
            assert one.engine.directory.app("default").name == "yours"

            before, after = (EventType("cake.baked", name, "a cake", app_id="default") for name in ("before", "after"))
            meanwhile(one, lambda: two.store.event_types.put(after, entry(two)))
            await one.store.event_types.put(before, entry(one))
            one.engine.changes.event_types("default")
            assert one.store.event_types.get("default", "cake.baked") == after

    asyncio.run(story())


@pytest.mark.fault("R23")
def test_a_task_that_no_node_was_told_of_is_run_by_one_of_them(postgres_database: str) -> None:
    async def story() -> None:
        async with two_nodes(postgres_database, NEVER_SECONDS) as nodes:
            now = nodes[0].clock.wall()
            made = [
                Task(nodes[0].ids.take(now), "default", TaskKind.RECOVER, TaskState.QUEUED, Selection(), now, now)
                for _ in range(6)
            ]
            for task in made:
                await nodes[0].store.tasks.add(task, entry(nodes[0]))
            while await nodes[0].store.tasks.unfinished():
                for node in nodes:
                    assert all(node.owns(number) for number in node.engine.tasks._runs)
                await asyncio.sleep(0.01)
            ended = [await nodes[0].store.tasks.get("default", task.id) for task in made]
            assert {task.state for task in ended} == {TaskState.DONE}

    asyncio.run(asyncio.wait_for(story(), 30))
