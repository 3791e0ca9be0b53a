"""Writes attempts together with what they make of their deliveries, many at once."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from reelhook.model.delivery import OPEN, WAITING, State
from reelhook.model.latency import bucket_of
from reelhook.ports import AttemptRecord, Completion
from reelhook.store import ordering
from reelhook.store.sql import Bulk, Connection
from reelhook.store.statements import statements

Row = tuple[Any, ...]
_SQL: Final = statements("journal")
DELIVERED, FAILED, ATTEMPTS, FAILED_ATTEMPTS, LATENCY = 0, 1, 2, 3, 100
"""`rollups.measure`."""
_COMPLETED: Final = Bulk(_SQL["completed"], 2)
_timing = msgspec.json.Encoder()


class Recording:
    """The right half of an event's life, as SQL."""

    def __init__(self) -> None:
        self._attempts = Bulk(_SQL["insert_attempts"], 18)
        self._details = Bulk(_SQL["insert_attempt_details"], 12)
        self._complete = Bulk(_SQL["complete"], 9)
        self._delete_claims = Bulk(_SQL["delete_claims"], 1)
        self._queue = Bulk(_SQL["insert_queue"], 3)
        self._rollups = Bulk(_SQL["add_rollups"], 4)
        self._health = Bulk(_SQL["note_health"], 6)

    def run(self, connection: Connection, completions: Sequence[Completion], now: int) -> list[bool]:
        """Write them; for each, tell whether its claim was still ours (else only its attempt was recorded).

        `now` (ms, scheduling time) is when those are due that waited behind one of them in a lane.
        """
        if self.attempts(connection, [one.attempt for one in completions]) != len(completions):
            return self._again(connection, completions, now)
        return self._complete_all(connection, completions, now)

    def attempts(self, connection: Connection, attempts: Sequence[AttemptRecord]) -> int:
        """Write attempts alone (tests, rescues); return how many were not there already."""
        written = self._attempts.run(connection, [attempt_row(one) for one in attempts])
        self._details.run(connection, [_detail_row(one) for one in attempts])
        return written

    def _again(self, connection: Connection, completions: Sequence[Completion], now: int) -> list[bool]:
        """Write what is tried again after a commit of which nobody could tell whether it happened: what it completed
        then is ours, and is neither closed nor counted a second time.
        """
        done = _which(connection, completions)
        rest = [one for one, before in zip(completions, done, strict=True) if not before]
        ours = iter(self._complete_all(connection, rest, now))
        return [before or next(ours) for before in done]

    def _complete_all(self, connection: Connection, completions: Sequence[Completion], now: int) -> list[bool]:
        rows = [_completion_row(one) for one in completions]
        ours = [True] * len(rows)
        if self._complete.run(connection, rows) != len(rows):
            ours = _which(connection, completions)
        won = [one for one, mine in zip(completions, ours, strict=True) if mine]
        self._close(connection, won, now)
        self._count(connection, won)
        return ours

    def count_failed(self, connection: Connection, completions: Sequence[Completion]) -> None:
        """Count deliveries that were given up without an attempt that could tell anything of the receiver."""
        counts = Counter((one.endpoint_id, one.at // 60_000, FAILED) for one in completions)
        self._rollups.run(connection, [(*key, count) for key, count in counts.items()])

    def _close(self, connection: Connection, completions: Sequence[Completion], now: int) -> None:
        from_queue = [(one.delivery_id,) for one in completions if one.from_queue]
        self._delete_claims.run(connection, from_queue)
        self._queue.run(
            connection, [(one.endpoint_id, one.due_at, one.delivery_id) for one in completions if one.state in WAITING]
        )
        for one in completions:
            if one.lane is not None and one.state not in OPEN:
                ordering.leave(connection, one.endpoint_id, one.lane, one.delivery_id, now)

    def _count(self, connection: Connection, completions: Sequence[Completion]) -> None:
        self._rollups.run(connection, rollup_rows(completions))
        self._health.run(connection, health_rows(completions))


def _which(connection: Connection, completions: Sequence[Completion]) -> list[bool]:
    found = {
        row[0] for row in _COMPLETED.select(connection, [(one.delivery_id, one.attempt.id) for one in completions])
    }
    return [one.delivery_id in found for one in completions]


def _completion_row(one: Completion) -> Row:
    delivered_at = one.at if one.state is State.DELIVERED else None
    return (
        one.delivery_id,
        one.claim_id,
        one.state.value,
        one.step,
        one.rescues,
        one.due_at,
        one.at,
        delivered_at,
        one.attempt.id,
    )


def attempt_row(one: AttemptRecord) -> Row:
    """Return the row of `attempts`."""
    event = one.event
    return (
        one.id,
        one.app_id,
        one.delivery_id,
        None if one.delivery_id is None else event.id,
        event.given_id,
        event.type,
        None if one.event_name == event.type else one.event_name,
        one.endpoint_id,
        one.endpoint_version,
        one.number,
        one.at,
        one.failure is None,
        one.status_code,
        None if one.failure is None else one.failure.value,
        one.error,
        one.trigger.value,
        one.timing.total,
        one.previous_id,
    )


def _detail_row(one: AttemptRecord) -> Row:
    prefix, suffix = one.frame or (None, None)
    return (
        one.id,
        one.head,
        prefix,
        suffix,
        one.body,
        one.response_head,
        one.response_body,
        one.truncated,
        _timing.encode(one.timing),
        one.remote_address,
        one.replayed,
        one.renewed,
    )


def rollup_rows(completions: Sequence[Completion]) -> list[Row]:
    """Count the completions by endpoint, minute and measure."""
    counts: Counter[tuple[int, int, int]] = Counter()
    for one in completions:
        endpoint_id, minute = one.endpoint_id, one.at // 60_000
        counts[endpoint_id, minute, ATTEMPTS] += 1
        counts[endpoint_id, minute, LATENCY + bucket_of(one.attempt.timing.total)] += 1
        if one.attempt.failure is not None:
            counts[endpoint_id, minute, FAILED_ATTEMPTS] += 1
        if one.state is State.DELIVERED:
            counts[endpoint_id, minute, DELIVERED] += 1
        elif one.state is State.FAILED:
            counts[endpoint_id, minute, FAILED] += 1
    return [(*key, count) for key, count in counts.items()]


def health_rows(completions: Sequence[Completion]) -> list[Row]:
    """Say for each endpoint what this commit tells of its health:
    (id, reset, failing since, success, failure, exhausted).
    """
    seen: dict[int, tuple[int | None, int | None, int | None, int | None]] = {}
    for one in completions:
        since, success, failure, exhausted = seen.get(one.endpoint_id, (None, None, None, None))
        if one.attempt.failure is None:
            seen[one.endpoint_id] = (None, one.at, failure, None)
        else:
            exhausted = one.at if one.state is State.FAILED else exhausted
            seen[one.endpoint_id] = (since or one.at, success, one.at, exhausted)
    return [(endpoint_id, told[1] is not None, *told) for endpoint_id, told in seen.items()]
