"""Group commit, with a writer that is a list and a disk that fails on demand; time is virtual."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from tests.worker.virtual import virtually

from reelhook.errors import Conflict, StorageFull, Unavailable
from reelhook.store import pending
from reelhook.store.commit import GroupCommit
from reelhook.store.operation import Operation, Outcome, Refused, WriterFailed
from reelhook.store.runner import ThreadRunner

Story = Callable[["Disk"], Awaitable[Any]]


class Disk:
    """What the commits are written to. Values in `bad` break the transaction they are in; `faults` come first."""

    def __init__(self) -> None:
        self.commits: list[list[Any]] = []
        self.tried: list[list[Any]] = []
        self.bad: set[Any] = set()
        self.faults: list[Exception] = []
        self.full = False
        self.told: list[str] = []
        self.seconds = 0.001
        self.commit = GroupCommit(self._apply, self, self.told.append)

    def _apply(self, batch: list[Operation], opening: Any) -> list[Any]:
        values = [operation.value for operation in batch]
        self.tried.append(values)
        if self.full:
            raise StorageFull("the disk is full")
        if self.faults:
            raise self.faults.pop(0)
        if any(bad in values for bad in self.bad):
            raise ValueError("a row that does not fit")
        self.commits.append(values)
        return values

    def run(self, job: Callable[[], list[Outcome]], done: Callable[[list[Outcome]], None]) -> None:
        asyncio.get_running_loop().call_later(self.seconds, lambda: done(job()))

    def stop(self) -> None:
        """There is no thread."""

    def write(self, *values: Any, must: bool = False, kind: str = "write") -> list["asyncio.Future[Any]"]:
        return [self.commit.submit(kind, value, must=must) for value in values]


def play(story: Story) -> Disk:
    async def begin() -> Disk:
        disk = Disk()
        await story(disk)
        return disk

    return virtually(begin())


async def ends(*futures: "asyncio.Future[Any]") -> list[Any]:
    return await asyncio.gather(*futures, return_exceptions=True)


def test_a_commit_carries_what_arrived_while_the_last_one_ran() -> None:
    async def story(disk: Disk) -> None:
        first = disk.write("a")
        await asyncio.sleep(0.0005)
        later = disk.write("b", "c", "d")
        assert await ends(*first, *later) == ["a", "b", "c", "d"]

    assert play(story).commits == [["a"], ["b", "c", "d"]]


def test_what_is_given_in_one_turn_of_the_loop_is_one_commit() -> None:
    async def story(disk: Disk) -> None:
        await ends(*disk.write(*range(100)))

    assert play(story).commits == [list(range(100))]


def test_the_next_commit_has_begun_before_those_hear_who_waited_for_this_one() -> None:
    async def story(disk: Disk) -> None:
        waiting: list[int] = []
        first = disk.commit.commit("write", "a")
        first.add_done_callback(lambda _: waiting.append(disk.commit.pending))
        await asyncio.sleep(0.0005)
        await ends(*disk.write("b"))
        assert waiting == [0]

    assert play(story).commits == [["a"], ["b"]]


def test_it_is_drained_only_when_the_commit_that_began_last_has_ended() -> None:
    async def story(disk: Disk) -> None:
        disk.write("a")
        await asyncio.sleep(0.0005)
        disk.write("b")
        await disk.commit.drained()
        assert disk.commits == [["a"], ["b"]]

    play(story)


def test_a_batch_is_bounded_by_weight_and_the_rest_follows_in_order() -> None:
    async def story(disk: Disk) -> None:
        futures = [disk.commit.submit("write", number, weight=500) for number in range(5)]
        await ends(*futures)

    assert play(story).commits == [[0, 1, 2], [3, 4]]


def test_other_writes_go_before_new_events() -> None:
    async def story(disk: Disk) -> None:
        await ends(*disk.write("event", kind="accept"), *disk.write("result"))

    assert play(story).commits == [["result", "event"]]


# Failures


def test_one_bad_operation_fails_nobody_else() -> None:
    async def story(disk: Disk) -> None:
        disk.bad = {13, 77}
        results = await ends(*disk.write(*range(100)))
        assert [n for n, result in enumerate(results) if isinstance(result, Unavailable)] == [13, 77]
        assert all(result == n for n, result in enumerate(results) if n not in disk.bad)

    disk = play(story)
    assert sorted(value for batch in disk.commits for value in batch) == [n for n in range(100) if n not in (13, 77)]
    assert len(disk.tried) < 40


def test_a_bad_operation_says_that_the_store_could_not_take_it_and_keeps_its_cause_for_the_log() -> None:
    async def story(disk: Disk) -> None:
        disk.bad = {1}
        (error,) = await ends(*disk.write(1))
        assert isinstance(error, Unavailable)
        assert "does not fit" not in error.detail
        assert isinstance(error.__cause__, ValueError)

    play(story)


def test_a_refusal_reaches_its_caller_and_undoes_nothing_else() -> None:
    async def story(disk: Disk) -> None:
        results = await ends(*disk.write("a"), *disk.write(Refused(Conflict("it exists"))), *disk.write("b"))
        assert results[0::2] == ["a", "b"]
        assert isinstance(results[1], Conflict)

    assert len(play(story).commits) == 1


def test_a_passing_fault_splits_the_batch_and_loses_nothing() -> None:
    async def story(disk: Disk) -> None:
        disk.faults = [RuntimeError("once")]
        assert await ends(*disk.write(*range(8))) == list(range(8))

    assert play(story).commits == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_a_caller_that_no_longer_waits_disturbs_nobody() -> None:
    async def story(disk: Disk) -> None:
        first, second = disk.write("a", "b")
        await asyncio.sleep(0)
        first.cancel()
        assert await second == "b"

    assert play(story).commits == [["a", "b"]]


# The disk is full


@pytest.mark.fault("R7")
def test_while_the_disk_is_full_results_are_kept_and_everything_else_is_refused() -> None:
    async def story(disk: Disk) -> None:
        disk.full = True
        kept, (refused,) = disk.write(1, 2, must=True), disk.write(3)
        assert isinstance((await ends(refused))[0], StorageFull)
        await asyncio.sleep(10)
        assert not any(future.done() for future in kept)
        assert disk.commit.full
        assert disk.commit.pending == 2
        disk.full = False
        assert await ends(*kept) == [1, 2]
        assert not disk.commit.full

    disk = play(story)
    assert disk.commits == [[1, 2]]
    assert len(disk.tried) < 15


@pytest.mark.fault("R7")
def test_a_full_disk_is_probed_though_nobody_comes_any_more() -> None:
    async def story(disk: Disk) -> None:
        disk.full = True
        for number in range(10):
            await ends(*disk.write(number))
        tried = len(disk.tried)
        await asyncio.sleep(10)
        assert 5 <= len(disk.tried) - tried <= 12
        assert disk.commit.full
        disk.full = False
        await asyncio.sleep(2)
        assert not disk.commit.full
        tried = len(disk.tried)
        await asyncio.sleep(10)
        assert len(disk.tried) == tried

    assert play(story).commits == [[None]]


def test_it_fails_since_the_first_try_that_failed_until_one_succeeds() -> None:
    async def story(disk: Disk) -> None:
        await ends(*disk.write(1))
        assert disk.commit.failing_for() == 0
        disk.full = True
        await ends(*disk.write(2))
        await asyncio.sleep(10)
        assert disk.commit.failing_for() == pytest.approx(10, abs=0.1), "the tries since do not begin it anew"
        disk.full = False
        await asyncio.sleep(2)
        assert disk.commit.failing_for() == 0

    play(story)


def test_a_commit_that_does_not_end_counts_as_one_that_fails() -> None:
    async def story(disk: Disk) -> None:
        disk.seconds = 60
        disk.write(1)
        await asyncio.sleep(20)
        assert disk.commit.failing_for() == pytest.approx(20, abs=0.1)
        await asyncio.sleep(60)
        assert disk.commit.failing_for() == 0

    play(story)


def test_a_doubt_is_settled_by_a_commit_of_its_own_only_where_no_other_tells() -> None:
    async def story(disk: Disk) -> None:
        disk.commit.probe()
        disk.commit.probe()
        await asyncio.sleep(1)
        assert disk.commits == [[None]]
        disk.write("a")
        disk.commit.probe()
        await asyncio.sleep(0.0005)
        disk.commit.probe()
        await disk.commit.drained()
        assert disk.commits == [[None], ["a"]]

    play(story)


@pytest.mark.fault("R7")
def test_what_was_kept_goes_before_what_came_later() -> None:
    async def story(disk: Disk) -> None:
        disk.full = True
        kept = disk.write(1, 2, must=True)
        await asyncio.sleep(0.5)
        later = disk.write(3, must=True)
        disk.full = False
        await ends(*kept, *later)

    assert play(story).commits == [[1, 2, 3]]


@pytest.mark.fault("R7")
def test_more_results_than_fit_into_a_commit_keep_nobody_waiting_while_the_disk_is_full() -> None:
    async def story(disk: Disk) -> None:
        disk.full = True
        results = list(range(pending._LARGEST_BATCH + 1))
        kept = disk.write(*results, must=True)
        async with asyncio.timeout(10):
            refused = await ends(*disk.write("claim"), *disk.write("event", kind="accept"))
            refused += await ends(*disk.write("later", kind="accept"))
        assert all(isinstance(one, StorageFull) for one in refused)
        assert not any(future.done() for future in kept)
        disk.full = False
        assert await ends(*kept) == results

    assert play(story).commits == [list(range(pending._LARGEST_BATCH)), [pending._LARGEST_BATCH]]


@pytest.mark.fault("R7")
def test_the_books_hear_of_everything_that_a_full_disk_refuses() -> None:
    heard: list[Any] = []

    class Books:
        def opened(self) -> None:
            """Nothing is written beside the operations."""

        def closed(self, batch: list[Operation], outcomes: list[Outcome]) -> None:
            heard.extend((operation.value, type(error)) for operation, (_, error) in zip(batch, outcomes, strict=True))

    async def story(disk: Disk) -> None:
        disk.full, disk.commit.batches = True, Books()
        running = disk.write("running")
        await asyncio.sleep(0.0005)
        waiting = disk.write("waiting", kind="accept")
        await ends(*running, *waiting)
        disk.full = False

    play(story)
    assert heard == [("running", StorageFull), ("waiting", StorageFull)]


@pytest.mark.fault("R7")
def test_a_stop_does_not_wait_for_a_full_disk_to_be_cleared() -> None:
    async def story(disk: Disk) -> None:
        disk.full = True
        (kept,) = disk.write(1, must=True)
        await disk.commit.drained()
        assert disk.commit.pending == 1
        await disk.commit.drained()
        assert not kept.done()

    assert play(story).commits == []


# The disk is broken


@pytest.mark.fault("R6")
def test_an_io_error_fails_everything_and_is_told_once() -> None:
    async def story(disk: Disk) -> None:
        disk.faults = [WriterFailed("fdatasync failed")]
        running = disk.write(1, 2, must=True)
        await asyncio.sleep(0.0005)
        waiting = [*disk.write(3, must=True), *disk.write("e", kind="accept")]
        results = await ends(*running, *waiting)
        assert all(isinstance(result, Unavailable) and "fdatasync failed" in result.detail for result in results)
        (late,) = await ends(*disk.write(4))
        assert isinstance(late, Unavailable)
        assert disk.commit.broken == "fdatasync failed"
        await disk.commit.drained()

    disk = play(story)
    assert disk.told == ["fdatasync failed"]
    assert (len(disk.tried), disk.commits) == (1, [])


@pytest.mark.fault("R6")
def test_a_disk_that_is_full_first_and_breaks_then_leaves_nobody_waiting() -> None:
    async def story(disk: Disk) -> None:
        disk.faults = [RuntimeError("once"), StorageFull("full"), WriterFailed("broken")]
        results = await ends(*disk.write(1, 2, must=True))
        assert all(isinstance(result, Unavailable) for result in results)
        await disk.commit.drained()

    assert play(story).told == ["broken"]


# Backpressure


class Publish(NamedTuple):
    """What an app publishes, as far as the commit looks at it."""

    app_id: str
    number: int = 0


def test_accepting_waits_for_sending_but_never_long() -> None:
    async def story(disk: Disk) -> None:
        disk.commit.hold_accepts(lambda: {"loud"})
        began = asyncio.get_running_loop().time()
        (event,) = disk.write(Publish("loud"), kind="accept")
        (result,) = disk.write("result")
        await result
        assert not event.done()
        await event
        waited = asyncio.get_running_loop().time() - began
        assert pending._HOLD_SECONDS <= waited < pending._HOLD_SECONDS + 0.02

    play(story)


def test_accepting_goes_on_as_soon_as_sending_has_caught_up() -> None:
    async def story(disk: Disk) -> None:
        held = {"loud"}
        disk.commit.hold_accepts(lambda: held)
        (event,) = disk.write(Publish("loud"), kind="accept")
        await asyncio.sleep(0.01)
        assert not event.done()
        held.clear()
        began = asyncio.get_running_loop().time()
        await event
        assert asyncio.get_running_loop().time() - began < 0.01

    play(story)


def test_writes_go_on_while_accepting_is_held() -> None:
    async def story(disk: Disk) -> None:
        disk.commit.hold_accepts(lambda: {"loud"})
        disk.write(Publish("loud"), kind="accept")
        for number in range(5):
            (result,) = disk.write(number)
            assert await result == number
        assert Publish("loud") not in [value for batch in disk.commits for value in batch]

    play(story)


def test_one_apps_overload_holds_up_nobody_elses_publishes() -> None:
    async def story(disk: Disk) -> None:
        disk.commit.hold_accepts(lambda: {"loud"})
        loud = disk.write(*(Publish("loud", number) for number in range(3)), kind="accept")
        for number in range(5):
            (quiet,) = disk.write(Publish("quiet", number), kind="accept")
            began = asyncio.get_running_loop().time()
            await quiet
            assert asyncio.get_running_loop().time() - began < 0.01
        assert not any(one.done() for one in loud)
        assert disk.commit.pending == 3
        late = disk.write(Publish("loud", 3), kind="accept")
        assert [one.number for one in await ends(*loud, *late)] == [0, 1, 2, 3]

    flat = [one for batch in play(story).commits for one in batch]
    assert [one.number for one in flat if one.app_id == "loud"] == [0, 1, 2, 3], "in their order"


def test_what_is_held_up_is_refused_with_the_rest_when_the_disk_is_full() -> None:
    async def story(disk: Disk) -> None:
        disk.commit.hold_accepts(lambda: {"loud"})
        (held,) = disk.write(Publish("loud"), kind="accept")
        await asyncio.sleep(0.005)
        disk.full = True
        (other,) = disk.write("other")
        results = await ends(held, other)
        assert all(isinstance(result, StorageFull) for result in results)
        disk.full = False

    play(story)


# The end, and the loop's books


def test_drained_waits_for_everything_that_was_given() -> None:
    async def story(disk: Disk) -> None:
        await disk.commit.drained()
        disk.write(1, 2)
        await asyncio.sleep(0.0005)
        disk.write(3)
        await disk.commit.drained()
        assert disk.commits == [[1, 2], [3]]

    disk = play(story)
    assert (disk.commit.commits, disk.commit.operations, disk.commit.pending) == (2, 3, 0)


def test_the_books_hear_of_a_batch_before_its_callers_do() -> None:
    heard: list[Any] = []

    class Books:
        def opened(self) -> str:
            return "mark"

        def closed(self, batch: list[Operation], outcomes: list[Outcome]) -> None:
            heard.append(([operation.value for operation in batch], [type(error) for _, error in outcomes]))

    async def story(disk: Disk) -> None:
        disk.commit.batches = Books()
        disk.bad = {2}
        futures = disk.write(1, 2)
        futures[0].add_done_callback(lambda _: heard.append("caller"))
        await ends(*futures)

    play(story)
    assert heard == [([1, 2], [type(None), ValueError]), "caller"]


def test_the_writer_thread_runs_jobs_beside_the_loop_in_their_order_and_ends() -> None:
    async def story() -> list[tuple[int, str]]:
        runner, seen, done = ThreadRunner(asyncio.get_running_loop()), [], asyncio.Event()

        def note(outcomes: list[Outcome]) -> None:
            seen.append((outcomes[0][0], threading.current_thread().name))
            if len(seen) == 3:
                done.set()

        for number in range(3):
            runner.run(lambda number=number: [((number, threading.current_thread().name), None)], note)
        await done.wait()
        runner.stop()
        return seen

    assert asyncio.run(story()) == [((number, "writer"), "MainThread") for number in range(3)]


def test_every_commit_is_told_with_its_size_and_duration() -> None:
    """Regression: the metrics of commits stayed at nothing."""
    told: list[tuple[int, float]] = []

    async def story(disk: Disk) -> None:
        disk.commit.on_committed = lambda operations, seconds: told.append((operations, round(seconds, 3)))
        await asyncio.gather(*disk.write(1, 2, 3))
        await asyncio.gather(*disk.write(4))

    play(story)
    assert told == [(3, 0.001), (1, 0.001)]
