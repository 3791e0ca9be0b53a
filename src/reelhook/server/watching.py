"""Watching: what happens, as metrics and as the two wide log lines."""

from collections.abc import Sequence

from reelhook.model import ids
from reelhook.model.event import Event
from reelhook.model.http import Target
from reelhook.model.instant import show_time
from reelhook.pipeline.directory import Directory
from reelhook.ports import Delivered
from reelhook.telemetry import AttemptLine, EventLine, Lines, Metrics


class Watching:
    """Counts and writes down what the flow and the dispatcher tell."""

    def __init__(self, metrics: Metrics, lines: Lines, directory: Directory) -> None:
        self._metrics = metrics
        self._lines = lines
        self._directory = directory

    def accepted(self, events: Sequence[Event], deliveries: int, handed_over: int) -> None:
        """Events are committed."""
        self._metrics.events_accepted += len(events)
        self._metrics.handed_over += handed_over
        if self._lines.every:
            for event in events:
                self._lines.received(_event_line(event, deliveries, handed_over))

    def recorded(self, delivered: Delivered) -> None:
        """An attempt is committed."""
        completion = delivered.completion
        attempt = completion.attempt
        metrics = self._metrics
        metrics.attempted(attempt.failure, attempt.timing.total / 1000)
        metrics.deliveries[completion.state] += completion.due_at is None
        if attempt.number == 1:
            metrics.first_attempt_seconds.observe(max(0, attempt.at - attempt.event.accepted_at) / 1000)
        if attempt.failure is not None or self._lines.every:
            route = self._directory.route(completion.endpoint_id)
            self._lines.attempted(_attempt_line(delivered, None if route is None else route.letterhead.target))

    def circuit_opened(self, endpoint_id: int) -> None:
        """An endpoint's circuit opened."""
        self._lines.circuit_opened(ids.show("ep", endpoint_id))


def _event_line(event: Event, deliveries: int, handed_over: int) -> EventLine:
    return EventLine(
        event.public_id,
        event.type,
        event.app_id,
        deliveries,
        handed_over,
        len(event.data),
        event.source,
        event.ordering_key,
    )


def _attempt_line(delivered: Delivered, target: Target | None) -> AttemptLine:
    completion = delivered.completion
    attempt = completion.attempt
    timing = attempt.timing
    return AttemptLine(
        attempt_id=ids.show("att", attempt.id),
        delivery_id=ids.show("dlv", completion.delivery_id),
        event_id=attempt.event.public_id,
        event_type=attempt.event.type,
        event_name=attempt.event_name,
        app_id=attempt.app_id,
        endpoint_id=ids.show("ep", attempt.endpoint_id),
        endpoint_version=attempt.endpoint_version,
        host=target.authority if target else "",
        number=attempt.number,
        trigger=attempt.trigger,
        result="succeeded" if attempt.failure is None else "failed",
        state=completion.state,
        status_code=attempt.status_code,
        error_class=attempt.failure,
        error=attempt.error,
        dns_ms=timing.dns,
        connect_ms=timing.connect,
        tls_ms=timing.tls,
        first_byte_ms=timing.first_byte,
        total_ms=timing.total,
        next_attempt_at=None if completion.due_at is None else show_time(completion.due_at),
        remote_address=attempt.remote_address,
        replayed=attempt.replayed,
        renewed=attempt.renewed,
    )
