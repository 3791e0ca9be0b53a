"""The notifier: turns what happens to endpoints and deliveries into operational events and mails.

Facts come in through plain calls that return at once. What is to be published waits in memory, bounded, and is tried
again while the store is busy; what is given up is logged and counted. A crash loses what waits here: the log and the
state of the endpoint still tell it. Failing deliveries of operational events lead to nothing but log lines, so that
no operational event ever causes another.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar, Final

import msgspec
import structlog

from reelhook.errors import ReelhookError, StorageFull, Unavailable
from reelhook.model.delivery import State
from reelhook.model.endpoint import DisabledReason, Endpoint, EndpointState
from reelhook.model.event import is_operational
from reelhook.model.instant import show_time
from reelhook.ports import Apps, Clock, Completion, Delivered, Notices
from reelhook.telemetry import Metrics
from reelhook.worker import notice
from reelhook.worker.loop import Loop
from reelhook.worker.notice import Data, Notice
from reelhook.worker.postbox import Postbox
from reelhook.worker.streaks import HOUR_MS, Streaks

MOST_WAITING: Final = 10_000
"""So many operational events wait at most; news of endpoints, which are few, may be twice as many."""
_AT_ONCE: Final = 64
_TRIES: Final = 8
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("reelhook.notifier")

Publish = Callable[[str, str, Data], Awaitable[object]]
"""Accepts an operational event: app, type, data; done when it is on disk."""


class _Waiting(msgspec.Struct, gc=False):
    """An operational event on its way to one app."""

    app_id: str
    event_type: str
    data: Data
    tries: int = 0


class _Tally(msgspec.Struct, gc=False):
    """Deliveries of one endpoint that were given up since the last mail about it; `next_at` is when one may follow."""

    next_at: int
    last: Completion
    count: int = 0


class Notifier(Loop):
    """Publishes operational events in the app they are about, and in the operator's; mails the owners.

    `recorded`, `changed` and `tell` are called in the loop by whoever knows; the rest is its own. The operator app
    gets a copy of what happens in the others. Without a postbox nothing is mailed.
    """

    name: ClassVar[str] = "notifier"

    def __init__(  # noqa: PLR0913, PLR0917 - the composition root is the only caller
        self,
        publish: Publish,
        endpoint_of: Callable[[int], Endpoint | None],
        apps: Apps,
        clock: Clock,
        metrics: Metrics,
        operator_app: str | None = None,
        postbox: Postbox | None = None,
        notices: Notices | None = None,
    ) -> None:
        super().__init__(metrics)
        self._publish = publish
        self._endpoint_of = endpoint_of
        self._apps = apps
        self._clock = clock
        self._operator_app = operator_app
        self._postbox = postbox
        self._notices = notices
        self._told: dict[int, int] = {}
        self._queue: deque[_Waiting] = deque()
        self._tallies: dict[int, _Tally] = {}
        self.streaks = Streaks()

    # Facts

    def recorded(self, delivered: Delivered) -> None:
        """Hear of an attempt that is on disk, with what it made of its delivery."""
        completion = delivered.completion
        endpoint_id = completion.endpoint_id
        if delivered.verdict.succeeded:
            if endpoint_id in self.streaks and not is_operational(completion.attempt.event.type):
                self._succeeded(endpoint_id, completion)
        elif not is_operational(completion.attempt.event.type):
            endpoint = self._endpoint_of(endpoint_id)
            if endpoint is not None:
                self._failed(endpoint, completion)

    def changed(self, before: Endpoint | None, after: Endpoint | None, cause: str | None = None) -> None:
        """Hear that an endpoint was created (no `before`), deleted (no `after`) or changed.

        `cause` is the type of the event whose delivery led to it, where one did.
        """
        endpoint = after or before
        if endpoint is None:
            return
        event_type = _change(before, after)
        if event_type in ("endpoint.enabled", "endpoint.deleted"):
            self.streaks.forget(endpoint.id)
        if cause is None or not is_operational(cause):
            self.tell(endpoint.app_id, event_type, {"endpoint": notice.endpoint_data(endpoint)})
        by_itself = endpoint.disabled_reason not in (None, DisabledReason.MANUAL)
        if event_type == "endpoint.disabled" and by_itself:
            self._mail(endpoint, notice.disabled(endpoint))

    def tell(self, app_id: str, event_type: str, data: Data) -> None:
        """Publish an operational event in this app, and a copy in the operator's."""
        most = MOST_WAITING if event_type.startswith("delivery.") else 2 * MOST_WAITING
        apps = (app_id,) if self._operator_app in (None, app_id) else (app_id, self._operator_app)
        for each in apps:
            waiting = _Waiting(each, event_type, {"app_id": app_id, **data})
            if len(self._queue) < most:
                self._queue.append(waiting)
            else:
                self._give_up(waiting, "too many wait already")
        self.wake()

    # Life

    async def run(self, stop: asyncio.Event) -> None:
        """Publish and mail until told to stop; then publish what waits, and mail what that led to."""
        if self._postbox is None:
            await super().run(stop)
            return
        no_more_mails = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._postbox.run(no_more_mails), name="mail")
            try:
                await super().run(stop)
            finally:
                no_more_mails.set()

    async def turn(self) -> float | None:
        """Publish some of what waits; rest until there is more, or an hour's tally is to be mailed."""
        now = self._clock.now()
        self._mail_tallies(now)
        if self._queue:
            await self._publish_some()
            return 0
        await self._note_told()
        next_at = min((tally.next_at for tally in self._tallies.values()), default=None)
        return None if next_at is None else max(0, next_at - now) / 1000

    async def finish(self) -> None:
        """Publish what still waits, each once, and mail what was counted since the last mails."""
        for waiting in self._queue:
            waiting.tries = _TRIES
        while self._queue:
            await self._publish_some()
        self._mail_tallies(self._clock.now() + HOUR_MS)
        await self._note_told()

    async def _note_told(self) -> None:
        """Have the store remember which owners were told of a failing endpoint; what it cannot take is tried again."""
        if not self._told or self._notices is None:
            return
        told, self._told = self._told, {}
        try:
            await self._notices.told(told)
        except ReelhookError:
            self._told = told | self._told
            raise

    async def _publish_some(self) -> None:
        """Publish some in one commit; those that the store could not take wait in front for the next turn."""
        some = [self._queue.popleft() for _ in range(min(_AT_ONCE, len(self._queue)))]
        busy = [error for error in await asyncio.gather(*map(self._publish_one, some)) if error is not None]
        if busy:
            self._queue.extendleft(one for one in reversed(some) if one.tries)
            raise busy[0]

    async def _publish_one(self, waiting: _Waiting) -> ReelhookError | None:
        """Publish one; return why it has to be tried again (`tries` is not 0 then), None when it is done with."""
        waiting.tries += 1
        try:
            await self._publish(waiting.app_id, waiting.event_type, waiting.data)
        except (Unavailable, StorageFull) as error:
            if waiting.tries < _TRIES:
                return error
            self._give_up(waiting, error.detail)
        except Exception as error:  # noqa: BLE001 - one that cannot be published must not hold up the others
            self._give_up(waiting, error.detail if isinstance(error, ReelhookError) else repr(error))
        waiting.tries = 0
        return None

    def _give_up(self, waiting: _Waiting, reason: str) -> None:
        self._metrics.notices_dropped += 1
        _log.error("notice.given_up", app=waiting.app_id, type=waiting.event_type, data=waiting.data, error=reason)

    # Endpoints that fail and recover, deliveries that are given up

    def _failed(self, endpoint: Endpoint, completion: Completion) -> None:
        streak = self.streaks.failed(endpoint.id, completion.at)
        about = {"endpoint": notice.endpoint_data(endpoint), "last_attempt": notice.attempt_data(completion.attempt)}
        if streak is not None:
            told = {"failures": streak.failures, "failing_since": show_time(streak.since)}
            self._told[endpoint.id] = completion.at
            self.tell(endpoint.app_id, "endpoint.failing", about | told)
            self._mail(endpoint, notice.failing(endpoint, streak.failures, streak.since, completion.attempt))
        if completion.state is State.FAILED:
            self.tell(endpoint.app_id, "delivery.exhausted", about | {"delivery": notice.delivery_data(completion)})
            self._count_exhausted(endpoint, completion)

    def _succeeded(self, endpoint_id: int, completion: Completion) -> None:
        streak = self.streaks.succeeded(endpoint_id)
        endpoint = self._endpoint_of(endpoint_id)
        if streak is None or endpoint is None:
            return
        times = {"failing_since": show_time(streak.since), "recovered_at": show_time(completion.at)}
        self.tell(endpoint.app_id, "endpoint.recovered", {"endpoint": notice.endpoint_data(endpoint)} | times)
        self._mail(endpoint, notice.recovered(endpoint, streak.since, completion.at))

    def _count_exhausted(self, endpoint: Endpoint, completion: Completion) -> None:
        """Mail the first at once, the others of the hour in one mail at its end."""
        tally = self._tallies.get(endpoint.id)
        if tally is None:
            self._tallies[endpoint.id] = _Tally(self._clock.now() + HOUR_MS, completion)
            self._mail(endpoint, notice.exhausted(endpoint, 1, completion))
            self.wake()
        else:
            tally.count += 1
            tally.last = completion

    def _mail_tallies(self, now: int) -> None:
        for endpoint_id, tally in [found for found in self._tallies.items() if found[1].next_at <= now]:
            endpoint = self._endpoint_of(endpoint_id)
            if endpoint is None or not tally.count:
                del self._tallies[endpoint_id]
                continue
            self._mail(endpoint, notice.exhausted(endpoint, tally.count, tally.last))
            tally.next_at, tally.count = now + HOUR_MS, 0

    def _mail(self, endpoint: Endpoint, what: Notice) -> None:
        if self._postbox is not None:
            self._postbox.put(self._owners(endpoint), what)

    def _owners(self, endpoint: Endpoint) -> Iterable[str]:
        app = self._apps.get(endpoint.app_id)
        return (*endpoint.notify_emails, *(app.notify_emails if app else ()))


def _change(before: Endpoint | None, after: Endpoint | None) -> str:
    """Name what happened to an endpoint."""
    if before is None:
        return "endpoint.created"
    if after is None:
        return "endpoint.deleted"
    if before.state is not after.state:
        if after.state is EndpointState.DISABLED:
            return "endpoint.disabled"
        if after.state is EndpointState.ACTIVE:
            return "endpoint.enabled"
    return "endpoint.updated"
