"""Lies in what is written down."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from tests.simulation.invariants import COMES_TO_AN_END, COMES_TO_REST, NO_FAULT_UNHEARD
from tests.simulation.lies import breaks, every, wrapped

from reelhook.errors import Conflict
from reelhook.model.delivery import WAITING, State
from reelhook.pipeline.record import Recorder
from reelhook.pipeline.sending import Sending
from reelhook.ports import Delivered
from reelhook.server.engine import Engine
from reelhook.server.watching import Watching
from reelhook.store import moving
from reelhook.store.recording import Recording
from reelhook.worker.dispatcher import Dispatcher
from reelhook.worker.tasks import TaskRunner


@breaks("attempts match the wire", 1)
def a_request_is_sent_twice(patch: pytest.MonkeyPatch) -> None:
    now = every(7)

    async def exchange(honest: Any, *args: Any, **options: Any) -> Any:
        if now():
            await honest(*args, **options)
        return await honest(*args, **options)

    wrapped(patch, Sending, "_exchange", exchange)


@breaks("attempts are counted", 1)
def an_attempt_is_not_recorded(patch: pytest.MonkeyPatch) -> None:
    now = every(7)

    def attempts(honest: Any, self: Recording, connection: Any, found: Any) -> None:
        honest(self, connection, [one for one in found if not now()])

    wrapped(patch, Recording, "attempts", attempts)


@breaks("duplicates are explained", 1)
def a_success_is_tried_again(patch: pytest.MonkeyPatch) -> None:
    _completions(patch, State.DELIVERED, lambda one: replace(one, state=State.RETRYING, due_at=one.at + 1000))


@breaks("states are justified", 4, 2)
def a_failure_counts_as_delivered(patch: pytest.MonkeyPatch) -> None:
    _completions(patch, State.FAILED, lambda one: replace(one, state=State.DELIVERED))


@breaks("states are justified", 1)
def a_delivery_is_given_up_too_early(patch: pytest.MonkeyPatch) -> None:
    _completions(patch, State.RETRYING, lambda one: replace(one, state=State.FAILED, due_at=None))


def _completions(patch: pytest.MonkeyPatch, state: State, change: Any) -> None:
    """Change each third completion that makes this state of its delivery."""
    now = every(3)

    def completed(honest: Any, *args: Any) -> Delivered:
        delivered: Delivered = honest(*args)
        if delivered.completion.state is state and now():
            return replace(delivered, completion=change(delivered.completion))
        return delivered

    wrapped(patch, Recorder, "completed", completed)


@breaks("a row waits if and only if its delivery does", 1)
def a_retry_is_not_queued(patch: pytest.MonkeyPatch) -> None:
    now = every(3)

    def close(honest: Any, self: Recording, connection: Any, completions: Any, at: int) -> None:
        honest(self, connection, completions, at)
        lost = [(one.delivery_id,) for one in completions if one.state in WAITING and now()]
        connection.executemany("DELETE FROM queue WHERE delivery_id = ?", lost)

    wrapped(patch, Recording, "_close", close)


@breaks("nothing is left sending", 1)
def a_result_is_lost(patch: pytest.MonkeyPatch) -> None:
    now = every(7)

    def run(honest: Any, self: Recording, connection: Any, completions: Any, at: int) -> list[bool]:
        honest(self, connection, [one for one in completions if not now()], at)
        return [True] * len(completions)

    wrapped(patch, Recording, "run", run)


@breaks("rollups count every attempt", 1)
def a_commit_is_left_out_of_the_statistics(patch: pytest.MonkeyPatch) -> None:
    now = every(7)
    wrapped(patch, Recording, "_count", lambda honest, *args: None if now() else honest(*args))


@breaks("tasks come to an end", 1, 4)
def a_task_is_given_up(patch: pytest.MonkeyPatch) -> None:
    async def move(*_: Any) -> None:
        raise Conflict("this is no reason")

    patch.setattr(TaskRunner, "_move", move)


@breaks("recover reaches what had failed", 2, 10)
def recover_leaves_out_what_had_failed(patch: pytest.MonkeyPatch) -> None:
    wrapped(patch, moving, "_is_meant", lambda honest, row, *rest: row[4] != State.FAILED and honest(row, *rest))


# What is no matter of one invariant


@breaks(NO_FAULT_UNHEARD, 1)
def a_listener_stumbles(patch: pytest.MonkeyPatch) -> None:
    now = every(10)

    def recorded(honest: Any, *args: Any) -> None:
        honest(*args)
        if now():
            raise RuntimeError("a fault of ours")

    wrapped(patch, Watching, "recorded", recorded)


@breaks(COMES_TO_REST, 1, 4)
def the_dispatcher_is_not_told_of_what_waits(patch: pytest.MonkeyPatch) -> None:
    now = every(5)
    wrapped(patch, Dispatcher, "waits", lambda honest, *args: None if now() else honest(*args))


@breaks(COMES_TO_AN_END, 1)
def a_stop_never_ends(patch: pytest.MonkeyPatch) -> None:
    async def stop(_: Engine) -> None:
        await asyncio.get_running_loop().create_future()

    patch.setattr(Engine, "stop", stop)
