"""The journal: what is promised to the publisher and what became of it, written through the group commit."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from reelhook.errors import Unavailable
from reelhook.ports import Acceptance, AttemptRecord, Clock, Completion, StoredKey
from reelhook.store.assets import StoredContexts, StoredTellings
from reelhook.store.commit import GroupCommit
from reelhook.store.commitment import Commitment
from reelhook.store.operation import Operation, Outcome
from reelhook.store.reading import Points
from reelhook.store.select import select_one
from reelhook.store.sql import Connection
from reelhook.store.statements import statements
from reelhook.store.uncommitted import Uncommitted

_SQL: Final = statements("journal")
MOST_UNCOMMITTED: Final = 64 << 20
"""So many bytes of events wait for the disk at most, many times what a disk that works lets wait; what comes beyond is
refused, and its publisher tries again."""
_TOO_MUCH: Final = "too much waits to be stored at this moment; nothing of this was accepted; try again"
NOTHING_HANDED_OVER: Final = (1 << 63) - 1


class StoredJournal:
    """Implements `Journal`. `version_of` tells, where other processes write too, which version of an app is known here:
    an acceptance goes with it, so that the writer can tell whether it was matched against what holds now.
    """

    def __init__(
        self,
        commit: GroupCommit,
        points: Points,
        clock: Clock,
        left_behind: int,
        version_of: Callable[[str], int] | None = None,
    ) -> None:
        self._commit = commit
        self._points = points
        self._clock = clock
        self._version_of = version_of
        self.contexts = StoredContexts(points, alone=version_of is None)
        self.tellings = StoredTellings(points, clock, alone=version_of is None)
        self._storing: dict[tuple[str, str, str], asyncio.Future[StoredKey | None]] = {}
        self._handed_over: dict[int, None] = {}
        self._uncommitted = Uncommitted(MOST_UNCOMMITTED)
        self._left_behind = left_behind

    def recall(self, app_id: str, kind: str, key: str) -> StoredKey | Awaitable[StoredKey | None] | None:
        """Return what is known of a key; while it is being stored, something to await."""
        storing = self._storing.get((app_id, kind, key))
        if storing is not None:
            return asyncio.shield(storing)
        return self._points.run(partial(_recall, key=(app_id, kind, key, self._clock.wall())))

    def accept(self, acceptance: Acceptance) -> Commitment[bytes]:
        """Commit events with their deliveries and keys; Unavailable while too much waits for the disk already."""
        if not self._uncommitted.take(acceptance):
            refused: Commitment[bytes] = Commitment()
            refused.set_exception(Unavailable(_TOO_MUCH))
            return refused
        if self._version_of is not None:
            acceptance.version = self._version_of(acceptance.app_id)
        for deliveries in acceptance.deliveries:
            for new in deliveries:
                if new.claim_id:
                    self._handed_over[new.id] = None
        commitment = self._commit.commit("accept", acceptance, weight=len(acceptance.events))
        if acceptance.keys:
            self._announce_keys(acceptance, commitment)
        if acceptance.contexts:
            self.contexts.announce(acceptance, commitment)
        if acceptance.tellings:
            self.tellings.announce(acceptance, commitment)
        return commitment

    def record(self, completion: Completion) -> Commitment[bool]:
        """Commit an attempt with its delivery's new state. Kept and tried again while the disk is full."""
        return self._commit.commit("record", completion, must=True)

    def record_test(self, attempt: AttemptRecord) -> Awaitable[None]:
        """Commit an attempt that belongs to no delivery."""
        return self._commit.submit("attempt", attempt)

    def opened(self) -> int:
        """Return the smallest id of a delivery handed over and not yet completed: where a rescue would look from.

        Until the rescue of what the last process left behind is over, that is where the last process was.
        """
        return min(next(iter(self._handed_over), NOTHING_HANDED_OVER), self._left_behind)

    def rescued(self) -> None:
        """Hear that nothing is left of what the last process had handed over."""
        self._left_behind = NOTHING_HANDED_OVER

    def closed(self, batch: list[Operation], outcomes: list[Outcome]) -> None:
        """Forget handed-over deliveries whose completion or release is on disk, or that were never stored."""
        for operation, (_, error) in zip(batch, outcomes, strict=True):
            if operation.kind == "accept":
                self._uncommitted.give(operation.value)
            if operation.kind == "record" and error is None:
                self._handed_over.pop(operation.value.delivery_id, None)
            elif operation.kind == "release" and error is None:
                for one in operation.value:
                    self._handed_over.pop(one.id, None)
            elif operation.kind == "accept" and error is not None:
                for deliveries in operation.value.deliveries:
                    for new in deliveries:
                        self._handed_over.pop(new.id, None)

    def _announce_keys(self, acceptance: Acceptance, committed: Commitment[bytes]) -> None:
        for key in acceptance.keys:
            name = (acceptance.app_id, key.kind, key.key)
            stored = StoredKey(key.fingerprint, key.answer, key.event_id)
            storing = asyncio.get_running_loop().create_future()
            self._storing[name] = storing
            committed.add_done_callback(partial(self._stored, name, stored, storing))

    def _stored(
        self,
        name: tuple[str, str, str],
        stored: StoredKey,
        storing: "asyncio.Future[StoredKey | None]",
        done: Commitment[bytes],
    ) -> None:
        self._storing.pop(name, None)
        if not storing.done():
            storing.set_result(None if done.exception() else stored)


def handed_over_from(connection: Connection) -> int:
    """Read the smallest id of a delivery that the last process may have handed over and not completed."""
    mark: int = connection.execute(_SQL["handed_over_from"]).get
    return mark


def _recall(connection: Connection, key: tuple[str, str, str, int]) -> StoredKey | None:
    row = select_one(connection, _SQL["recall_key"], key)
    return None if row is None else StoredKey(*row)
