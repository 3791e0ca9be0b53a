"""The PostgreSQL store: one database, any number of nodes. Puts the parts together; each part is a file of its own.

Nearly all of it is what SQLite's store is made of, on another connection: one writer thread with the group commit,
threads that read beside the loop, and the registries out of a replica in memory.
"""

import asyncio
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import asyncpg
import msgspec
import structlog

from reelhook.errors import ReelhookError
from reelhook.model.access import App
from reelhook.model.endpoint import Endpoint
from reelhook.model.ids import IdSource
from reelhook.model.secret import Secret
from reelhook.model.standing import EndpointStanding
from reelhook.ports import Clock
from reelhook.store.answers import StoredAnswers
from reelhook.store.apps import StoredApps, ensure_default_app
from reelhook.store.audit import StoredAudit
from reelhook.store.commit import GroupCommit
from reelhook.store.documents import Documents
from reelhook.store.endpoints import StoredEndpoints
from reelhook.store.event_types import StoredEventTypes
from reelhook.store.health import EndpointHealth, StoredNotices, load_health, load_standings
from reelhook.store.history import StoredHistory
from reelhook.store.journal import NOTHING_HANDED_OVER, StoredJournal
from reelhook.store.last_id import last_id
from reelhook.store.log import StoredLog
from reelhook.store.master_key import open_sealer
from reelhook.store.operation import Runner
from reelhook.store.ordering import locks_of
from reelhook.store.postgres.accepting import PgAccepting
from reelhook.store.postgres.claiming import PgClaiming
from reelhook.store.postgres.connection import PROMPT_SECONDS, PgConnection
from reelhook.store.postgres.hints import Hint, PgHints
from reelhook.store.postgres.members import PgMembers
from reelhook.store.postgres.migrating import migrate_beside_others
from reelhook.store.postgres.move import refuse_half_moved
from reelhook.store.postgres.reading import PgReading
from reelhook.store.postgres.registries import Refreshing, RegistryWrites
from reelhook.store.postgres.replica import Delta, Replica, read_delta
from reelhook.store.postgres.upkeep import PgUpkeep, ensure_partitions
from reelhook.store.queue import StoredQueue
from reelhook.store.runner import ThreadRunner
from reelhook.store.seal import Sealer
from reelhook.store.select import select
from reelhook.store.statements import statements
from reelhook.store.tasks import StoredTasks
from reelhook.store.tokens import StoredTokens
from reelhook.store.writer import Groups, Writer

_META: Final = statements("meta")
_SLOW_SECONDS: Final = 2.0
"""A look at what others changed that takes longer is reason to doubt that the database answers at all."""
_log: Final = structlog.get_logger("reelhook.store")


class PostgresOptions(msgspec.Struct, frozen=True):
    """How a store is opened; `pooled`: through a pooler that hands connections out for each transaction. `on_fatal` is
    told once when the database can no longer be trusted. `refresh` is how often (s) it is looked for what other nodes
    changed.
    """

    url: str
    secret_key: Secret | None = None
    pooled: bool = False
    lease: float = 15.0
    refresh: float = 1.0
    runner: Callable[[asyncio.AbstractEventLoop], Runner] = ThreadRunner
    on_fatal: Callable[[str], None] = lambda _reason: None
    other_key: Secret | None = None


class Learned(msgspec.Struct):
    """What was changed, here or elsewhere, and is known here since this moment; `removed` are apps that are gone."""

    apps: list[App] = []
    removed: list[str] = []
    endpoints: list[Endpoint] = []
    endpoints_removed: list[int] = []


class _Opened(msgspec.Struct):
    sealer: Sealer
    last_id: int
    delta: Delta


class PostgresStore:
    """Everything that is kept, behind the ports. Open it inside the running loop."""

    def __init__(self, options: PostgresOptions, clock: Clock, ids: IdSource, opened: _Opened) -> None:
        connect = partial(PgConnection, options.url, pooled=options.pooled, patience=PROMPT_SECONDS)
        self._connection = writer = connect()
        ids.resume(opened.last_id)
        documents = Documents(opened.sealer)
        work = Writer(writer, clock.now, PgAccepting(), PgClaiming(), _locks)
        loop = asyncio.get_running_loop()
        self.commit = commit = GroupCommit(work.apply, options.runner(loop), options.on_fatal)
        self._reading = reading = PgReading(connect, PROMPT_SECONDS)
        self._replica = replica = Replica()
        replica.apply(opened.delta)
        self._refreshing = Refreshing(replica, reading, self._learned)
        self.refresh = self._refreshing.refresh
        self.on_learned: Callable[[Learned], None] = lambda _: None
        self.on_due: Callable[[Collection[int] | None], None] = lambda _: None
        # Behind a pooler of transactions nobody can listen, so that nobody is told anything either.
        self.hints = PgHints(None if options.pooled else options.url, self._hinted)
        registries = RegistryWrites(commit, self._refreshing, self.hints.changed)
        self.journal = StoredJournal(commit, reading, clock, NOTHING_HANDED_OVER, replica.version)
        commit.batches = self.journal
        self.contexts, self.tellings = self.journal.contexts, self.journal.tellings
        self.queue = StoredQueue(commit, reading, reading, clock, ids, work.recording)
        self.apps = StoredApps(registries, replica.connection, documents, self._app_removed)
        self.tokens = StoredTokens(registries, replica.connection)
        self.endpoints = StoredEndpoints(registries, replica.connection, reading, documents, clock)
        self.event_types = StoredEventTypes(registries, replica.connection)
        self.tasks = StoredTasks(commit, reading, ids, clock)
        self.audit = StoredAudit(commit, reading)
        self.notices = StoredNotices(commit)
        self.answers = StoredAnswers(commit, reading, opened.sealer, clock)
        self.log = StoredLog(reading)
        self.history = StoredHistory(reading)
        self.upkeep = PgUpkeep(commit, reading, clock)
        seals = opened.sealer.key_id
        self.members = PgMembers(options.url, options.lease, pooled=options.pooled, seals=seals)
        self._changed_elsewhere = asyncio.Event()
        self._refresher = loop.create_task(self._keep_fresh(options.refresh), name="registries")

    @classmethod
    async def open(cls, options: PostgresOptions, clock: Clock, ids: IdSource) -> "PostgresStore":
        """Migrate the database where that is needed, and open it.

        Raises:
            Unavailable: it cannot be reached, is not Reelhook's, is half moved, or was sealed with another key.
        """
        connection = PgConnection(options.url, pooled=options.pooled)
        try:
            opened = await asyncio.to_thread(_prepare, connection, options, clock)
        finally:
            await asyncio.to_thread(connection.close)
        return cls(options, clock, ids, opened)

    async def health(self) -> dict[int, EndpointHealth]:
        """Return how each endpoint fared until the last stop."""
        return await self._reading.run(load_health)

    async def standing(self, endpoint_ids: Sequence[int]) -> dict[int, EndpointStanding]:
        """Return how endpoints stand with what was sent to them."""
        return await self._reading.run(partial(load_standings, endpoint_ids=endpoint_ids))

    def wal_bytes(self) -> int:
        """Return 0: the write-ahead log is the server's business."""
        return 0

    async def close(self) -> None:
        """Commit what is queued, then close the connections."""
        await self.commit.drained()
        self._refresher.cancel()
        await asyncio.gather(self._refresher, return_exceptions=True)
        await self.hints.close()
        await asyncio.to_thread(self._disconnect)
        self._replica.close()

    def abandon(self) -> None:
        """Close without committing what is queued: what a crash would do."""
        self._refresher.cancel()
        self.hints.abandon()
        # A connection's own loop cannot run where another one does.
        closing = threading.Thread(target=self._disconnect)
        closing.start()
        closing.join()
        self._replica.close()

    def _disconnect(self) -> None:
        """End all threads, then close what they used; each may be waiting for the server."""
        self.commit.stop()
        self.members.stop()
        self._reading.stop()
        self._connection.close()

    def registries_age(self) -> float:
        """Return how old (s) a change may be at most that another node made and this one does not know."""
        return self._refreshing.age()

    def _hinted(self, hint: Hint) -> None:
        if hint.changed:
            self._changed_elsewhere.set()
        if hint.due or not hint.named:
            self.on_due(hint.due if hint.named else None)

    async def _keep_fresh(self, seconds: float) -> None:
        """Read what other nodes changed, at once when one tells of it, and now and then whoever does or not."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed_elsewhere.wait()
            self._changed_elsewhere.clear()
            try:
                await self._look()
            except ReelhookError as error:
                _log.warning("registries.not_read", error=error.detail)
                self.commit.probe()
            except Exception:  # noqa: BLE001 - whatever it is, the next second tries again
                _log.exception("registries.fault")

    async def _look(self) -> None:
        doubt = asyncio.get_running_loop().call_later(_SLOW_SECONDS, self.commit.probe)
        try:
            await self.refresh()
        finally:
            doubt.cancel()

    def _learned(self, delta: Delta) -> None:
        """Bring what is in memory beside the replica up to date, and tell who else must know."""
        apps = [self.apps.learn(app_id, one.row[1]) for app_id, one in delta.apps.items()]
        for app_id, one in delta.apps.items():
            self.event_types.learn(app_id, [row[2] for row in one.event_types])
            self.tokens.forget_app(app_id)
        for app_id in delta.removed:
            self.apps.forget(app_id)
        rows = [row for one in delta.apps.values() for row in one.endpoints]
        current = [self.endpoints.get(row[1], row[0]) for row in rows if row[4] is None]
        gone = [row[0] for row in rows if row[4] is not None]
        self.on_learned(Learned(apps, delta.removed, [one for one in current if one is not None], gone))

    def _app_removed(self, app_id: str) -> None:
        self.tokens.forget_app(app_id)
        self.event_types.forget_app(app_id)
        self.contexts.forget_app(app_id)


def _locks(groups: Groups) -> set[int]:
    return locks_of(groups.get("accept", ()), groups.get("record", ()))


def _prepare(connection: PgConnection, options: PostgresOptions, clock: Clock) -> _Opened:
    """Make the database ready, in a thread; nodes that start at once do it one after the other."""
    try:
        migrate_beside_others(connection, _tell)
        connection.begin()
        try:
            select(connection, _META["lock_schema"])
            refuse_half_moved(connection)
            sealer = open_sealer(connection, options.secret_key, None, options.other_key)
            ensure_default_app(connection, Documents(sealer), clock.wall())
            ensure_partitions(connection, clock.wall())
            opened = _Opened(sealer, last_id(connection), read_delta(connection, {}))
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise connection.named(error) from error
    return opened


def _tell(before: int, after: int) -> None:
    _log.info("schema.migrates", before=before, after=after)
