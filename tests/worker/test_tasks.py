"""Tasks move deliveries step by step, at their rate, in turn, and go on after a restart."""

import asyncio

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs
from tests.worker.virtual import START, LoopClock, running, virtually

from reelhook.errors import Conflict, Invalid, NotFound, StorageFull, Unavailable
from reelhook.model.audit import AuditEntry
from reelhook.model.shard import shard_of
from reelhook.model.task import Selection, Task, TaskKind, TaskState
from reelhook.telemetry import Metrics
from reelhook.worker.ownership import EverythingIsOurs, LeasedShards, Ownership
from reelhook.worker.tasks import LARGEST_STEP, LOOK_SECONDS, TaskRunner, next_step_at, step_size

ENTRY = AuditEntry(1, "default", 0, "tok", "task.changed", "tsk")


def task(number: int, count: int, rate: float | None = None, state: TaskState = TaskState.QUEUED) -> Task:
    return Task(number, "default", TaskKind.RECOVER, state, Selection(endpoint_id=number), 0, 0, count=count, rate=rate)


def own(leased: LeasedShards, number: int) -> None:
    """Have the shard of a task leased, and serve it."""
    leased.renewed({shard_of(number): 1}, START)
    leased.serve([shard_of(number)])


class ScriptedTasks:
    """Keeps tasks in a dictionary; a step takes 10 ms and moves what it may, or fails as the script says."""

    def __init__(self, *tasks: Task) -> None:
        self.kept = {each.id: each for each in tasks}
        self.steps: list[tuple[int, float, int]] = []
        self.entries: list[AuditEntry | None] = []
        self.failures: list[Exception] = []

    async def get(self, app_id: str, task_id: int) -> Task | None:
        found = self.kept.get(task_id)
        return found if found and found.app_id == app_id else None

    async def unfinished(self):
        return [each for each in self.kept.values() if each.state in (TaskState.QUEUED, TaskState.RUNNING)]

    async def change(self, changed: Task, entry: AuditEntry | None) -> None:
        self.kept[changed.id] = changed
        self.entries.append(entry)

    async def step(self, given: Task, limit: int, due_at: int) -> tuple[Task, list[int]]:
        if self.failures:
            raise self.failures.pop(0)
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(0.01)
        moved = min(limit, given.count - given.done)
        self.steps.append((given.id, now, moved))
        done = given.done + moved
        state = TaskState.DONE if done == given.count else TaskState.RUNNING
        self.kept[given.id] = replace(given, done=done, cursor=done, state=state)
        return self.kept[given.id], [given.id]


class Scene:
    def __init__(self, *tasks: Task, ownership: Ownership | None = None) -> None:
        self.store = ScriptedTasks(*tasks)
        self.woken: list[int] = []
        self.metrics = Metrics("test")
        self.runner = TaskRunner(
            self.store,
            LoopClock(),
            self.metrics,
            lambda found, _: self.woken.extend(found),
            ownership or EverythingIsOurs(),
        )

    def play(self, scenario) -> list[dict]:
        with capture_logs() as logs:
            virtually(running(self.runner, scenario))
        return logs

    def state(self, number: int = 1) -> TaskState:
        return self.store.kept[number].state


def test_a_task_is_done_in_steps_and_the_dispatcher_hears_of_each():
    scene = Scene(task(1, 700))
    scene.play(asyncio.sleep(10))
    assert [moved for _, _, moved in scene.store.steps] == [300, 300, 100]
    assert scene.state() is TaskState.DONE
    assert scene.woken == [1, 1, 1]
    assert scene.metrics.tasks == 0


@pytest.mark.parametrize("rate", [0.5, 3, 40, 900])
def test_a_task_is_never_more_than_a_second_ahead_of_its_rate(rate):
    scene = Scene(task(1, 2000, rate))
    scene.play(asyncio.sleep(60))
    moved_so_far = 0
    for _, at, moved in scene.store.steps:
        moved_so_far += moved
        assert moved_so_far <= rate * at + max(1, rate)
    assert moved_so_far == pytest.approx(min(2000, 60 * rate), rel=0.1)


def test_several_tasks_take_turns_and_a_slow_one_does_not_hold_up_the_others():
    scene = Scene(task(1, 3000), task(2, 3000), task(3, 5, rate=1))
    scene.play(asyncio.sleep(30))
    order = [number for number, _, _ in scene.store.steps if number != 3]
    assert order == [1, 2] * 10
    assert [scene.state(number) for number in (1, 2, 3)] == [TaskState.DONE] * 3
    assert [round(at) for number, at, _ in scene.store.steps if number == 3] == [0, 1, 2, 3, 4]


def test_a_task_added_later_begins_at_once():
    scene = Scene()

    async def scenario() -> None:
        await asyncio.sleep(5)
        scene.store.kept[7] = task(7, 10)
        scene.runner.take(scene.store.kept[7])
        await asyncio.sleep(1)

    scene.play(scenario())
    assert scene.store.steps == [(7, 5, 10)]


def test_a_task_whose_commit_nobody_was_told_of_is_found_within_seconds():
    scene = Scene()

    async def scenario() -> None:
        await asyncio.sleep(5)
        scene.store.kept[7] = task(7, 10)
        await asyncio.sleep(2 * LOOK_SECONDS)

    scene.play(scenario())
    assert scene.state(7) is TaskState.DONE


@pytest.mark.fault("R23")
def test_what_another_node_left_unfinished_goes_on_where_its_shard_went_and_only_there():
    scene = Scene(task(1, 1000, rate=100), ownership=(leased := LeasedShards(3_600_000, 0, 0)))

    async def scenario() -> None:
        await asyncio.sleep(5)
        assert scene.store.steps == [], "it is another node's"
        own(leased, 1)
        await asyncio.sleep(4.5)
        leased.rest([shard_of(1)])
        moved = scene.store.kept[1].done
        assert 200 <= moved <= 500
        await asyncio.sleep(5)
        assert scene.store.kept[1].done == moved, "it has gone to another node"
        assert scene.metrics.tasks == 0

    scene.play(scenario())


def test_no_step_begins_once_the_lease_is_nearly_over():
    leased = LeasedShards(5000, 1000, 0)
    own(leased, 1)
    scene = Scene(task(1, 100_000, rate=10), ownership=leased)
    scene.play(asyncio.sleep(20))
    assert scene.store.steps
    assert max(at for _, at, _ in scene.store.steps) < 4


def test_a_task_that_another_node_runs_is_changed_but_not_run_by_who_is_asked():
    scene = Scene(task(1, 10), ownership=LeasedShards(3_600_000, 0, 0))

    async def scenario() -> None:
        await asyncio.sleep(1)
        assert (await scene.runner.set_rate("default", 1, 5, ENTRY)).rate == 5
        await asyncio.sleep(5)
        assert (await scene.runner.cancel("default", 1, ENTRY)).state is TaskState.CANCELLED

    scene.play(scenario())
    assert (scene.state(), scene.store.steps) == (TaskState.CANCELLED, [])


@pytest.mark.parametrize("change", [{"rate": None}, {"state": TaskState.CANCELLED}], ids=str)
def test_what_another_node_changed_of_a_slow_task_is_heard_of_before_its_next_step(change):
    scene = Scene(task(1, 300, rate=0.001))

    async def scenario() -> None:
        await asyncio.sleep(1)
        scene.store.kept[1] = replace(scene.store.kept[1], **change)
        await asyncio.sleep(2 * LOOK_SECONDS)

    scene.play(scenario())
    assert scene.state() in {TaskState.DONE, TaskState.CANCELLED}
    assert scene.metrics.tasks == 0


@pytest.mark.fault("R23")
def test_an_unfinished_task_goes_on_from_its_cursor_after_a_restart():
    first = Scene(task(1, 1000, rate=100))
    first.play(asyncio.sleep(4.5))
    stored = first.store.kept[1]
    assert stored.done == 500
    second = Scene(stored)
    second.play(asyncio.sleep(10))
    assert sum(moved for _, _, moved in second.store.steps) == 500
    assert second.state() is TaskState.DONE


def test_a_new_rate_counts_from_the_next_step():
    scene = Scene(task(1, 1000, rate=0.01))

    async def scenario() -> None:
        await asyncio.sleep(1)
        changed = await scene.runner.set_rate("default", 1, 200, ENTRY)
        assert (changed.rate, changed.done) == (200, 1)
        await asyncio.sleep(10)

    scene.play(scenario())
    assert scene.state() is TaskState.DONE
    assert scene.store.entries[-1] is ENTRY


def test_a_change_that_crosses_a_step_loses_neither():
    scene = Scene(task(1, 10_000))

    async def scenario() -> None:
        await asyncio.sleep(0.005)
        await scene.runner.set_rate("default", 1, 100, ENTRY)
        await asyncio.sleep(2)
        await scene.runner.cancel("default", 1, ENTRY)

    scene.play(scenario())
    moved = sum(moved for _, _, moved in scene.store.steps)
    kept = scene.store.kept[1]
    assert (kept.state, kept.rate, kept.done) == (TaskState.CANCELLED, 100, moved)


def test_a_cancelled_task_moves_nothing_more():
    scene = Scene(task(1, 100_000))

    async def scenario() -> None:
        await asyncio.sleep(0.105)
        await scene.runner.cancel("default", 1, ENTRY)
        before = len(scene.store.steps)
        await asyncio.sleep(5)
        assert len(scene.store.steps) == before

    scene.play(scenario())
    assert scene.state() is TaskState.CANCELLED


def test_a_finished_or_foreign_task_cannot_be_changed():
    scene = Scene(task(1, 10, state=TaskState.DONE), task(2, 10_000_000))

    async def scenario() -> None:
        await asyncio.sleep(0.1)
        with pytest.raises(Conflict):
            await scene.runner.cancel("default", 1, ENTRY)
        for app_id, number in (("other", 2), ("default", 3)):
            with pytest.raises(NotFound):
                await scene.runner.set_rate(app_id, number, 1, ENTRY)

    scene.play(scenario())


def test_a_task_waits_out_a_store_that_cannot_take_it():
    scene = Scene(task(1, 10))
    scene.store.failures = [StorageFull("the disk is full")] * 20 + [Unavailable("busy")] * 3
    scene.play(asyncio.sleep(3600))
    assert scene.state() is TaskState.DONE


def test_a_task_that_cannot_go_on_fails_with_its_reason_and_the_others_go_on():
    scene = Scene(task(1, 10), task(2, 10))
    scene.store.failures = [Invalid("the endpoint is gone")]
    logs = scene.play(asyncio.sleep(60))
    assert (scene.state(1), scene.store.kept[1].error) == (TaskState.FAILED, "the endpoint is gone")
    assert scene.state(2) is TaskState.DONE
    assert [line["log_level"] for line in logs if line["event"] == "task.ended"] == ["warning", "info"]


def test_a_fault_of_ours_fails_the_task_and_stands_in_the_log_only():
    scene = Scene(task(1, 10))
    scene.store.failures = [ValueError("a detail for us")]
    logs = scene.play(asyncio.sleep(60))
    assert scene.state() is TaskState.FAILED
    assert "detail" not in scene.store.kept[1].error
    assert any(line["event"] == "task.fault" for line in logs)


def test_a_store_that_never_answers_well_ends_the_task():
    scene = Scene(task(1, 10))
    scene.store.failures = [Unavailable("broken")] * 10
    scene.play(asyncio.sleep(3600))
    assert (scene.state(), scene.store.kept[1].error) == (TaskState.FAILED, "broken")


def test_a_task_that_vanished_with_its_app_is_forgotten():
    scene = Scene(task(1, 10_000))

    async def scenario() -> None:
        await asyncio.sleep(0.015)
        scene.store.kept.clear()
        await asyncio.sleep(1)

    scene.play(scenario())
    assert len(scene.store.steps) == 1
    assert scene.metrics.tasks == 0


@pytest.mark.parametrize(
    ("rate", "size"), [(None, LARGEST_STEP), (0.1, 1), (1, 1), (7.9, 7), (300, 300), (10_000, LARGEST_STEP)]
)
def test_a_step_is_as_large_as_a_second_of_the_rate_allows(rate, size):
    assert step_size(rate) == size


def test_a_task_without_a_rate_leaves_the_store_half_of_its_time():
    assert next_step_at(1000, 1040, 300, None) == 1080
    assert next_step_at(1000, 1000, 300, None) == 1001
    assert next_step_at(1000, 1040, 0, 5.0) == 1080
