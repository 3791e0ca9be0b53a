"""Rescue: what a process that is gone left in `sending` goes on, each with an attempt that says so.

So many interruptions in a row count as one failed attempt of the schedule: an event that kills the process whenever
it is sent is sent ever more rarely, and given up in the end like one that no receiver takes.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec

from reelhook.model import ids
from reelhook.model.attempt import Failure, Timing
from reelhook.model.delivery import RESCUES_BEFORE_COUNTING, State, Trigger
from reelhook.model.event import Event
from reelhook.ports import AttemptRecord, Clock, Completion, Orphans, Rescued, Wait
from reelhook.store import ordering
from reelhook.store.commit import GroupCommit
from reelhook.store.reading import Reading
from reelhook.store.recording import Recording
from reelhook.store.select import select
from reelhook.store.sql import Bulk, Connection
from reelhook.store.statements import statements

Row = tuple[Any, ...]
_SQL: Final = statements("queue")
_JOURNAL: Final = statements("journal")
_CHUNK: Final = 500
_AGAIN: Final = (
    "Reelhook stopped while this was being sent; whether the receiver got it is unknown, so it is sent again"
)
_GIVEN_UP: Final = (
    "Reelhook stopped whenever this was being sent, and the retry schedule is used up, so it is given up; whether the "
    "receiver got it is unknown: find out why Reelhook stopped, then resend it"
)


class Rescuing:
    """Frees orphans in steps. What is not an orphan any more when it would be freed is left alone."""

    def __init__(
        self,
        commit: GroupCommit,
        reading: Reading,
        clock: Clock,
        identities: ids.IdSource,
        recording: Recording,
    ) -> None:
        self._commit = commit
        self._reading = reading
        self._clock = clock
        self._ids = identities
        self._recording = recording
        self._rescue = Bulk(_SQL["rescue"], 8)
        self._rescued = Bulk(_JOURNAL["completed"], 2)
        self._claims = Bulk(_JOURNAL["delete_claims"], 1)
        self._enqueue = Bulk(_JOURNAL["insert_queue"], 3)

    async def rescue(self, now: int, wait: Wait, orphans: Orphans | None = None) -> Rescued:
        """Free all of them; `wait` is asked for each whose interruptions have come to count."""
        rescued = Rescued()
        after = 0
        while rows := await self._find(after, orphans):
            after = rows[-1][0]
            lost = [row for row in rows if orphans is None or row[0] not in orphans.in_hand]
            first = self._ids.take(self._clock.wall(), max(1, len(lost)))
            meant = [_completion(first + index, row, now, wait) for index, row in enumerate(lost)]
            freed = await self._commit.submit("write", partial(self._free, meant=meant, now=now)) if meant else []
            rescued.count += len(freed)
            rescued.given_up += [one for one in freed if one.state is State.FAILED]
        return rescued

    async def _find(self, after: int, orphans: Orphans | None) -> list[Row]:
        bounds = {
            "after": after,
            "shards": None if orphans is None else _json(sorted(orphans.shards)),
            "before": None if orphans is None else orphans.claimed_before,
            "epochs": None if orphans is None or orphans.epochs is None else _json(orphans.epochs),
            "limit": _CHUNK,
        }
        return await self._reading.run(partial(select, sql=_SQL["orphans"], bindings=bounds))

    def _free(self, connection: Connection, meant: Sequence[Completion], now: int) -> Sequence[Completion]:
        ends = [(one.endpoint_id, one.lane) for one in meant if one.lane is not None and one.state is State.FAILED]
        ordering.lock(connection, ends)
        freed = meant
        if self._rescue.run(connection, [_row(one) for one in meant]) != len(meant):
            rows = self._rescued.select(connection, [(one.delivery_id, one.attempt.id) for one in meant])
            mine = {row[0] for row in rows}
            freed = [one for one in meant if one.delivery_id in mine]
        self._recording.attempts(connection, [one.attempt for one in freed])
        self._claims.run(connection, [(one.delivery_id,) for one in freed])
        goes_on = [one for one in freed if one.due_at is not None]
        self._enqueue.run(connection, [(one.endpoint_id, one.due_at, one.delivery_id) for one in goes_on])
        given_up = [one for one in freed if one.state is State.FAILED]
        self._recording.count_failed(connection, given_up)
        for one in given_up:
            if one.lane is not None:
                ordering.leave(connection, one.endpoint_id, one.lane, one.delivery_id, now)
        return freed


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _completion(attempt_id: int, row: Row, now: int, wait: Wait) -> Completion:
    delivery_id, _, endpoint_id, _, step, rescues, _, _, lane, claim_id, *_ = row
    step, rescues, due_at = _counted(endpoint_id, step, rescues, now, wait)
    state = State.FAILED if due_at is None else State.RETRYING
    attempt = _interrupted(attempt_id, row, now, _GIVEN_UP if due_at is None else _AGAIN)
    return Completion(delivery_id, claim_id, endpoint_id, state, step, rescues, now, due_at, attempt, lane)


def _counted(endpoint_id: int, step: int, rescues: int, now: int, wait: Wait) -> tuple[int, int, int | None]:
    """Return step, rescues and due time after one more interruption; due never when the schedule is used up."""
    if rescues + 1 < RESCUES_BEFORE_COUNTING:
        return step, rescues + 1, now
    seconds = wait(endpoint_id, step + 1)
    return step + 1, 0, None if seconds is None else now + round(seconds * 1000)


def _row(one: Completion) -> Row:
    return one.delivery_id, one.claim_id, one.at, one.attempt.id, one.step, one.rescues, one.state.value, one.due_at


def _interrupted(attempt_id: int, row: Row, now: int, error: str) -> AttemptRecord:
    delivery_id, app_id, endpoint_id, attempts, _, _, trigger, last_attempt_id, _, _, event_id, kind, given_id = row
    return AttemptRecord(
        id=attempt_id,
        app_id=app_id,
        delivery_id=delivery_id,
        event=Event(event_id, app_id, kind, b"", 0, 0, given_id),
        event_name=kind,
        endpoint_id=endpoint_id,
        endpoint_version=0,
        number=attempts,
        at=now,
        status_code=None,
        failure=Failure.INTERRUPTED,
        error=error,
        trigger=Trigger(trigger),
        timing=Timing(),
        previous_id=last_attempt_id,
        head=b"",
        frame=None,
        body=None,
        response_head=b"",
        response_body=b"",
        truncated=False,
        remote_address=None,
    )
