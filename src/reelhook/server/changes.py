"""Changes: who in memory must hear of a change to an app or an endpoint, after its commit and before its answer."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec
import structlog

from reelhook.errors import ReelhookError
from reelhook.model.access import App
from reelhook.model.audit import AuditEntry
from reelhook.model.endpoint import Disabling, Endpoint, EndpointState
from reelhook.model.ids import IdSource, show
from reelhook.model.turn import turn
from reelhook.pipeline.directory import Directory
from reelhook.pipeline.record import Recorder
from reelhook.ports import Apps, Clock, Delivered, Endpoints, EventTypes
from reelhook.worker.dispatcher import Dispatcher
from reelhook.worker.notifier import Notifier

_log = structlog.get_logger("reelhook")
_REMOVED: Final = 1 << 62
"""Stands for the version of an endpoint that is gone: later than all others."""
_MOST_LEARNED: Final = 1000
"""Changes that were learned of are remembered until this process tells of its own; those of others it never tells."""


class Learned(Protocol):
    """What was read of the store that this process did not know."""

    apps: list[App]
    removed: list[str]
    endpoints: list[Endpoint]
    endpoints_removed: list[int]


class Changes:
    """Keeps directory, dispatcher and notifier in step with what is stored."""

    def __init__(  # noqa: PLR0913, PLR0917 - the composition root is the only caller
        self,
        directory: Directory,
        dispatcher: Dispatcher,
        recorder: Recorder,
        notifier: Notifier,
        apps: Apps,
        endpoints: Endpoints,
        event_types: EventTypes,
        clock: Clock,
        ids: IdSource,
    ) -> None:
        self._directory = directory
        self._dispatcher = dispatcher
        self._recorder = recorder
        self._notifier = notifier
        self._apps = apps
        self._endpoints = endpoints
        self._event_types = event_types
        self._clock = clock
        self._ids = ids
        self.on_removed: Callable[[], None] = lambda: None
        self.on_learned: Callable[[], None] = lambda: None
        self._learned: dict[tuple[int, int], Endpoint | None] = {}
        """Versions of endpoints that were learned of, by the endpoint's id and theirs, with what was known before."""
        self._disabling: set[asyncio.Task[None]] = set()

    def endpoint(self, endpoint: Endpoint, cause: str | None = None) -> None:
        """A new endpoint, or a new version of one; `cause` is the type of the event whose delivery led to it.

        Between the commit and this call somebody may have made a later version, or removed it: that stays.
        """
        known = self._directory.endpoint(endpoint.id)
        if self._endpoints.get(endpoint.app_id, endpoint.id) is None:
            self._learn_of_removal(endpoint.id)
        elif known is None or known.version <= endpoint.version:
            self._take_over(endpoint)
        before = self._known_before(endpoint.id, endpoint.version, known, endpoint)
        self._notifier.changed(before, endpoint, cause)

    def learned(self, learned: Learned) -> None:
        """Hear what was read of the store, changed by this process or another one: whoever changed it tells the owners
        of endpoints, so this process does when it is told of its own change besides.
        """
        for app_id in learned.removed:
            self.app_removed(app_id)
        for app in learned.apps:
            self.app(app)
            self.event_types(app.id)
        for endpoint in learned.endpoints:
            known = self._directory.endpoint(endpoint.id)
            if known is None or known.version < endpoint.version:
                self._remember(endpoint.id, endpoint.version, self._take_over(endpoint))
        for endpoint_id in learned.endpoints_removed:
            self._learn_of_removal(endpoint_id)
        self.on_learned()

    def _learn_of_removal(self, endpoint_id: int) -> None:
        if self._directory.endpoint(endpoint_id) is not None:
            self._remember(endpoint_id, _REMOVED, self._drop(endpoint_id))

    def _remember(self, endpoint_id: int, version: int, before: Endpoint | None) -> None:
        self._learned[endpoint_id, version] = before
        if len(self._learned) > _MOST_LEARNED:
            del self._learned[next(iter(self._learned))]

    def _known_before(
        self, endpoint_id: int, version: int, known: Endpoint | None, now: Endpoint | None
    ) -> Endpoint | None:
        """Return what was known before a version that is told of `now`: it, or a later one, may have been learned of
        first. Whoever made the later one tells of it next.
        """
        later = [one for number, one in self._learned if number == endpoint_id and one >= version]
        if not later:
            return known
        key = (endpoint_id, min(later))
        before = self._learned.pop(key)
        if key[1] > version:
            self._learned[key] = now
        return before

    def _take_over(self, endpoint: Endpoint) -> Endpoint | None:
        before = self._directory.endpoint(endpoint.id)
        if before is not None and before.state is not EndpointState.ACTIVE and endpoint.state is EndpointState.ACTIVE:
            self._recorder.forget(endpoint.id)
        self._directory.put(endpoint)
        self._dispatcher.changed(endpoint)
        return before

    def _drop(self, endpoint_id: int) -> Endpoint | None:
        before = self._directory.endpoint(endpoint_id)
        self._directory.remove(endpoint_id)
        self._dispatcher.hold(endpoint_id)
        self._recorder.forget(endpoint_id)
        self.on_removed()
        return before

    def endpoint_removed(self, endpoint_id: int) -> None:
        """An endpoint is gone: nothing more is sent to it."""
        before = self._known_before(endpoint_id, _REMOVED, self._drop(endpoint_id), None)
        if before is not None:
            self._notifier.changed(before, None)

    def app(self, app: App) -> None:
        """A new app, or a changed one: as it is known now, which may be later than this."""
        current = self._apps.get(app.id)
        if current is not None:
            self._directory.put_app(current)
        self._dispatcher.app_changed(app.id)

    def app_removed(self, app_id: str) -> None:
        """An app is gone with all its endpoints."""
        for endpoint in self._directory.endpoints(app_id):
            self._dispatcher.hold(endpoint.id)
            self._recorder.forget(endpoint.id)
        self._directory.remove_app(app_id)
        self._dispatcher.app_changed(app_id)
        self.on_removed()

    def event_types(self, app_id: str) -> None:
        """An app's own event types changed."""
        self._directory.put_types(app_id, self._event_types.of(app_id))

    def disable(self, delivered: Delivered) -> None:
        """Disable an endpoint by itself, as an attempt at it demands; the dispatcher holds it already."""
        task = asyncio.get_running_loop().create_task(self._disable(delivered))
        self._disabling.add(task)
        task.add_done_callback(self._disabling.discard)

    async def settled(self) -> None:
        """Wait until every endpoint that is being disabled is."""
        if self._disabling:
            await asyncio.gather(*self._disabling)

    async def _disable(self, delivered: Delivered) -> None:
        endpoint_id, reason = delivered.completion.endpoint_id, delivered.disabled
        endpoint = self._directory.endpoint(endpoint_id)
        if endpoint is None or reason is None or endpoint.state is EndpointState.DISABLED:
            return
        now = self._clock.wall()
        disabled = msgspec.structs.replace(
            endpoint,
            version=endpoint.version + 1,
            updated_at=now,
            **turn(EndpointState.DISABLED, endpoint, now, reason, delivered.disabling)._asdict(),
        )
        entry = AuditEntry(
            self._ids.take(now),
            endpoint.app_id,
            now,
            "system",
            "endpoint.disable",
            show("ep", endpoint_id),
            {"disabled_reason": reason.value, **_figures(delivered.disabling)},
        )
        try:
            await self._endpoints.change(disabled, entry)
        except ReelhookError as error:
            # Somebody changed or deleted it at this moment. The next failure asks again.
            _log.warning("endpoint.not_disabled", endpoint=show("ep", endpoint_id), error=error.detail)
            current = self._endpoints.get(endpoint.app_id, endpoint_id)
            if current is not None:
                self._dispatcher.changed(current)
            return
        self.endpoint(disabled, delivered.completion.attempt.event.type)


def _figures(disabling: Disabling | None) -> dict[str, Any]:
    return {} if disabling is None else msgspec.structs.asdict(disabling)
