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
from reelhook.ports import Clock, Delivered, Endpoints, EventTypes
from reelhook.worker.dispatcher import Dispatcher
from reelhook.worker.notifier import Notifier

_log = structlog.get_logger("reelhook")
_REMOVED: Final = 0
"""Stands for the version of an endpoint that is gone."""


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
        endpoints: Endpoints,
        event_types: EventTypes,
        clock: Clock,
        ids: IdSource,
    ) -> None:
        self._directory = directory
        self._dispatcher = dispatcher
        self._recorder = recorder
        self._notifier = notifier
        self._endpoints = endpoints
        self._event_types = event_types
        self._clock = clock
        self._ids = ids
        self.on_removed: Callable[[], None] = lambda: None
        self.on_learned: Callable[[], None] = lambda: None
        self._learned: dict[int, tuple[int, Endpoint | None]] = {}
        """Endpoints of which a change was learned: as which version, and what was known before."""
        self._disabling: set[asyncio.Task[None]] = set()

    def endpoint(self, endpoint: Endpoint, cause: str | None = None) -> None:
        """A new endpoint, or a new version of one; `cause` is the type of the event whose delivery led to it."""
        before = self._take_over(endpoint)
        learned = self._learned.pop(endpoint.id, None)
        if learned is not None and learned[0] == endpoint.version:
            before = learned[1]
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
                self._learned[endpoint.id] = (endpoint.version, self._take_over(endpoint))
        for endpoint_id in learned.endpoints_removed:
            if self._directory.endpoint(endpoint_id) is not None:
                self._learned[endpoint_id] = (_REMOVED, self._drop(endpoint_id))
        self.on_learned()

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
        before = self._drop(endpoint_id)
        learned = self._learned.pop(endpoint_id, None)
        if learned is not None and learned[0] == _REMOVED:
            before = learned[1]
        if before is not None:
            self._notifier.changed(before, None)

    def app(self, app: App) -> None:
        """A new app, or a changed one."""
        self._directory.put_app(app)
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
