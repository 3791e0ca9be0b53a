"""The SQLite store: one file, one process, one writer. Puts the parts together; each part is a file of its own."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import structlog

from reelhook.model.ids import IdSource
from reelhook.model.secret import Secret
from reelhook.model.standing import EndpointStanding
from reelhook.ports import Clock
from reelhook.store.answers import StoredAnswers
from reelhook.store.apart.writer import WriterApart
from reelhook.store.apps import StoredApps, ensure_default_app
from reelhook.store.audit import StoredAudit
from reelhook.store.claiming import DueInLoop
from reelhook.store.commit import GroupCommit
from reelhook.store.connection import FileLock, open_reader, open_writer
from reelhook.store.documents import Documents
from reelhook.store.endpoints import StoredEndpoints
from reelhook.store.event_types import StoredEventTypes
from reelhook.store.health import EndpointHealth, StoredNotices, load_health, load_standings
from reelhook.store.history import StoredHistory
from reelhook.store.journal import StoredJournal, handed_over_from
from reelhook.store.last_id import last_id
from reelhook.store.log import StoredLog
from reelhook.store.master_key import open_sealer
from reelhook.store.migrate import migrate
from reelhook.store.operation import Runner
from reelhook.store.queue import StoredQueue
from reelhook.store.reading import InlineReading, InLoop, ReadThread
from reelhook.store.runner import ThreadRunner
from reelhook.store.tasks import StoredTasks
from reelhook.store.tokens import StoredTokens
from reelhook.store.upkeep import StoredUpkeep
from reelhook.store.writer import Writer

_log: Final = structlog.get_logger("reelhook.store")


class SqliteOptions(msgspec.Struct, frozen=True):
    """How a store is opened. `inline` runs commits and page reads in the loop itself, for the simulator: `runner` says
    when. `apart` has commits written by a process of its own. `on_fatal` is told once when the disk can no longer be
    trusted.
    """

    path: Path
    secret_key: Secret | None = None
    runner: Callable[[asyncio.AbstractEventLoop], Runner] = ThreadRunner
    inline: bool = False
    on_fatal: Callable[[str], None] = lambda _reason: None
    other_key: Secret | None = None
    apart: bool = False


class SqliteStore:
    """Everything that is kept, behind the ports. Open it inside the running loop."""

    members: Final = None
    hints: Final = None
    refresh: Final = None
    """Nobody else changes anything, so there is nothing to look at anew."""

    def __init__(self, options: SqliteOptions, clock: Clock, ids: IdSource) -> None:
        self._lock = FileLock(options.path)
        try:
            self._open(options, clock, ids)
        except BaseException:
            self._lock.release()
            raise

    def _open(self, options: SqliteOptions, clock: Clock, ids: IdSource) -> None:
        self._wal = options.path.with_name(options.path.name + "-wal")
        connection = self._writer = open_writer(options.path)
        migrate(connection, tell=_tell)
        ids.resume(last_id(connection))
        key_file = options.path.with_name(options.path.name + ".key")
        sealer = open_sealer(connection, options.secret_key, key_file, options.other_key)
        documents = Documents(sealer)
        ensure_default_app(connection, documents, clock.wall())
        self._reader = open_reader(options.path)
        self._pages = open_reader(options.path)
        writer = Writer(connection, clock.now)
        points = InLoop(self._reader)
        loop = asyncio.get_running_loop()
        self.commit = commit = GroupCommit(writer.apply, options.runner(loop), options.on_fatal)
        self._reading = InlineReading(self._pages) if options.inline else ReadThread(self._pages)
        self.journal = StoredJournal(commit, points, clock, handed_over_from(self._reader))
        commit.batches = self.journal
        self.contexts, self.tellings = self.journal.contexts, self.journal.tellings
        due = DueInLoop(self._reader)
        self.queue = StoredQueue(commit, points, self._reading, clock, ids, writer.recording, due, self.journal.rescued)
        self.apps = StoredApps(commit, self._reader, documents, self._app_removed)
        self.tokens = StoredTokens(commit, self._reader)
        self.endpoints = StoredEndpoints(commit, self._reader, self._reading, documents, clock)
        self.event_types = StoredEventTypes(commit, self._reader)
        self.tasks = StoredTasks(commit, self._reading, ids, clock)
        self.audit = StoredAudit(commit, self._reading)
        self.notices = StoredNotices(commit)
        self.answers = StoredAnswers(commit, self._reading, sealer, clock)
        self.log = StoredLog(self._reading)
        self.history = StoredHistory(self._reading)
        self.upkeep = StoredUpkeep(commit, self._reader, self._reading, clock)
        # Last: were anything above to fail, it would hold the file's lock for as long as this process lives.
        self._apart = commit.elsewhere = (
            WriterApart(options.path, self._lock.fileno(), writer, clock.now, commit.give_up) if options.apart else None
        )

    async def health(self) -> dict[int, EndpointHealth]:
        """Return how each endpoint fared until the last stop."""
        return await self._reading.run(load_health)

    async def standing(self, endpoint_ids: Sequence[int]) -> dict[int, EndpointStanding]:
        """Return how endpoints stand with what was sent to them."""
        return await self._reading.run(partial(load_standings, endpoint_ids=endpoint_ids))

    def wal_bytes(self) -> int:
        """Return the size of the write-ahead log."""
        try:
            return self._wal.stat().st_size
        except FileNotFoundError:
            return 0

    async def close(self) -> None:
        """Commit what is queued, then close the file; the next process may open it."""
        await self.commit.drained()
        self.commit.stop()
        self.abandon()

    def abandon(self) -> None:
        """Close without committing what is queued: what a crash would do."""
        self._reading.stop()
        if self._apart is not None:
            self._apart.stop()
        for connection in (self._reader, self._pages, self._writer):
            connection.close()
        self._lock.release()

    def _app_removed(self, app_id: str) -> None:
        self.tokens.forget_app(app_id)
        self.event_types.forget_app(app_id)
        self.contexts.forget_app(app_id)


def _tell(before: int, after: int) -> None:
    """Say that the file is being changed for good, to those who have no copy of it yet."""
    hint = "versions before this one refuse the file from now on: the way back is a copy that was made before"
    _log.warning("schema.migrates", before=before, after=after, hint=hint)
