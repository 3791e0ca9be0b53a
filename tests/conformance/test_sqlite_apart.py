"""SQLite written by a process of its own: what is only its own."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.world import HandClock, World

from reelhook.errors import OutcomeUnknown, StoreBusy, Unavailable
from reelhook.model.ids import IdSource
from reelhook.store import connection
from reelhook.store.connection import FileLock, open_reader
from reelhook.store.sqlite import SqliteOptions, SqliteStore

Story = Callable[[World, "Children"], Awaitable[Any]]


class Children:
    """The processes that this one has started and that live."""

    @property
    def pid(self) -> int:
        return next(iter(self.all()))

    @staticmethod
    def all() -> set[int]:
        listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
        return {int(pid) for pid in listed.split()} - _BEFORE


_BEFORE: set[int] = set()


def play(path: Path, story: Story, told: list[str] | None = None) -> Any:
    """Run a story in a store that is written apart, and close it."""

    async def begin() -> Any:
        _BEFORE.clear()
        _BEFORE.update(Children.all())
        clock, ids = HandClock(), IdSource()
        on_fatal = (told if told is not None else []).append
        store = SqliteStore(SqliteOptions(path, apart=True, on_fatal=on_fatal), clock, ids)
        try:
            return await story(World(store, clock, ids), Children())
        finally:
            store.abandon()

    return asyncio.run(begin())


def events_in(path: Path) -> int:
    count: int = open_reader(path).execute("SELECT count(*) FROM events").get
    return count


def test_an_event_is_written_by_the_other_process(tmp_path: Path) -> None:
    async def story(world: World, children: Children) -> bool:
        os.kill(children.pid, signal.SIGSTOP)
        accepted = asyncio.ensure_future(world.publish())
        await asyncio.wait({accepted}, timeout=0.2)
        waited = not accepted.done()
        os.kill(children.pid, signal.SIGCONT)
        await accepted
        return waited

    assert play(tmp_path / "a.db", story)
    assert events_in(tmp_path / "a.db") == 1


def test_the_log_is_indexed_by_the_other_process(tmp_path: Path) -> None:
    # Indexing beside a busy publisher is a part of most batches: run here, it would take them all along.
    async def story(world: World, children: Children) -> tuple[bool, int]:
        await world.publish()
        world.clock.move(10_000)
        os.kill(children.pid, signal.SIGSTOP)
        indexing = asyncio.ensure_future(world.store.upkeep.index(100))
        await asyncio.wait({indexing}, timeout=0.2)
        waited = not indexing.done()
        os.kill(children.pid, signal.SIGCONT)
        return waited, await indexing

    assert play(tmp_path / "a.db", story) == (True, 1)


def test_what_is_written_here_and_what_is_written_there_takes_turns(tmp_path: Path) -> None:
    async def story(world: World, _children: Children) -> None:
        for _ in range(5):
            await world.publish()
            await world.store.commit.submit("write", lambda _connection: None)

    play(tmp_path / "a.db", story)
    assert events_in(tmp_path / "a.db") == 5


def test_the_mark_of_what_is_handed_over_is_right_whoever_wrote_last(tmp_path: Path) -> None:
    """Each of the two remembers which mark it stored last; the other may have stored another one since."""
    marks: list[int] = []

    async def story(world: World, _children: Children) -> None:
        async def write(kind: str, value: Any, mark: int) -> None:
            commit = world.store.commit
            commit.batches = None
            commit.batches = _Marks(mark)
            await commit.submit(kind, value)
            stored = "SELECT value FROM meta WHERE key = 'handed_over_from'"
            marks.append(open_reader(tmp_path / "a.db").execute(stored).get)

        for kind, value in (("probe", None), ("write", lambda _connection: None)) * 2:
            for mark in (7, 9):
                await write(kind, value, mark)
        await write("probe", None, 7)
        await write("write", lambda _connection: None, 9)
        await write("probe", None, 7)

    play(tmp_path / "a.db", story)
    assert marks == [7, 9] * 4 + [7, 9, 7]


class _Marks:
    def __init__(self, mark: int) -> None:
        self._mark = mark

    def opened(self) -> int:
        return self._mark

    def closed(self, batch: Any, outcomes: Any) -> None:
        """Nothing is remembered."""


def test_a_batch_larger_than_any_buffer_comes_whole(tmp_path: Path) -> None:
    async def story(world: World, _children: Children) -> None:
        large = b'"' + b"x" * (1 << 20) + b'"'
        await asyncio.gather(*[world.publish(data=large) for _ in range(24)])

    play(tmp_path / "a.db", story)
    sizes = open_reader(tmp_path / "a.db").execute("SELECT length(data) FROM events").fetchall()
    assert sizes == [((1 << 20) + 2,)] * 24


def test_one_operation_that_cannot_be_written_fails_alone(tmp_path: Path) -> None:
    async def story(world: World, _children: Children) -> list[Any]:
        tasks = [world.publish(type=name) for name in ("asset.created", "asset.\udcff", "asset.deleted")]
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, bad, last = play(tmp_path / "a.db", story)
    assert isinstance(bad, Unavailable)
    assert not isinstance(first, Exception)
    assert not isinstance(last, Exception)
    assert events_in(tmp_path / "a.db") == 2


def test_when_the_writing_process_is_gone_nothing_is_promised_any_more(tmp_path: Path) -> None:
    told: list[str] = []

    async def story(world: World, children: Children) -> None:
        await world.publish()
        os.kill(children.pid, signal.SIGSTOP)
        publishing = asyncio.ensure_future(world.publish())
        await asyncio.sleep(0.1)
        os.kill(children.pid, signal.SIGKILL)
        with pytest.raises(OutcomeUnknown, match="may have been"):
            await publishing

    play(tmp_path / "a.db", story, told)
    assert told == ["the process that writes the database has ended"]
    assert events_in(tmp_path / "a.db") == 1


def test_a_writing_process_that_ends_while_nothing_is_written_is_told_at_once(tmp_path: Path) -> None:
    """Regression: it was noticed by the next publisher only, who was told that his event might be stored."""
    told: list[str] = []

    async def story(world: World, children: Children) -> str | None:
        await world.publish()
        os.kill(children.pid, signal.SIGKILL)
        async with asyncio.timeout(10):
            while not told:
                await asyncio.sleep(0.01)
        with pytest.raises(Unavailable) as refused:
            await world.publish()
        assert not isinstance(refused.value, OutcomeUnknown)
        return world.store.upkeep.healthy()

    assert "has ended" in (play(tmp_path / "a.db", story, told) or "")
    assert told == ["the process that writes the database has ended"]


def test_nothing_is_imported_from_where_the_program_happens_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: `python -m` looks into the working directory first, which others may be able to write to."""
    (tmp_path / "msgspec.py").write_text("raise SystemExit('a stranger')")
    monkeypatch.chdir(tmp_path)

    async def story(world: World, _children: Children) -> None:
        await world.publish()

    play(tmp_path / "a.db", story)
    assert events_in(tmp_path / "a.db") == 1


def test_the_writing_process_ends_with_the_store(tmp_path: Path) -> None:
    async def story(world: World, children: Children) -> int:
        await world.publish()
        return children.pid

    pid = play(tmp_path / "a.db", story)
    assert not Path(f"/proc/{pid}").exists()


def test_as_long_as_the_writing_process_lives_nobody_else_gets_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next process could rescue what is left, and then the last commit of the killed one would land."""
    monkeypatch.setattr(connection, "_LAST_WORK_SECONDS", 0.05)
    lock = FileLock(tmp_path / "a.db")
    heir = subprocess.Popen(["sleep", "60"], pass_fds=(lock.fileno(),))
    lock.release()
    try:
        with pytest.raises(StoreBusy, match="in use by another Reelhook"):
            FileLock(tmp_path / "a.db")
    finally:
        heir.kill()
        heir.wait()
    FileLock(tmp_path / "a.db").release()
