"""Record: an exchange as an attempt, and what it makes of its delivery and its endpoint."""

from collections.abc import Callable, Mapping

import msgspec

from reelhook.dialects.dialect import Dialect
from reelhook.dialects.table import dialect_named
from reelhook.model.attempt import Failure, Verdict
from reelhook.model.delivery import State, Trigger
from reelhook.model.endpoint import DisabledReason, Disabling, Endpoint
from reelhook.model.event import Event
from reelhook.model.http import Response
from reelhook.model.ids import IdSource
from reelhook.pipeline.directory import Route
from reelhook.pipeline.judge import after, figures
from reelhook.pipeline.retry import asked_wait, next_wait
from reelhook.pipeline.values import Exchange, Health
from reelhook.ports import AttemptRecord, Claimed, Clock, Completion, Delivered

_HEALTHY = Health()


class Recorder:
    """Makes completions. It keeps the health of endpoints, from which the rules for disabling are worked out."""

    def __init__(
        self, clock: Clock, ids: IdSource, jitter: Callable[[], float], health: Mapping[int, Health] | None = None
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._jitter = jitter
        self._health = dict(health or {})

    def remember(self, endpoint_id: int, health: Health) -> None:
        """Take over how an endpoint fared in an earlier life of the process."""
        self._health[endpoint_id] = health

    def completed(self, route: Route, claimed: Claimed, exchange: Exchange) -> Delivered:
        """Work out what an attempt makes of its delivery: its new state, when it is due again, and whether the
        endpoint must be disabled now.
        """
        verdict = exchange.verdict
        disabled = self._learn(route, verdict)
        step = claimed.step + 1
        wait = None if verdict.succeeded else self._wait(route, step, verdict, exchange.response)
        state = State.DELIVERED if verdict.succeeded else State.FAILED if wait is None else State.RETRYING
        due_at = None if wait is None else self._clock.now() + round(wait * 1000)
        attempt = self.attempt(route.endpoint, claimed.event, exchange, claimed.trigger, claimed)
        disabling = None if disabled is None else self._figures(route, attempt.at)
        return Delivered(self._completion(claimed, attempt, state, step, due_at), verdict, disabled, disabling)

    def orphaned(self, claimed: Claimed, last: Endpoint | None = None) -> Delivered:
        """Close a delivery whose endpoint was deleted between its claim and its sending; `last` is what it was then."""
        detail = "the endpoint was deleted before this could be sent"
        verdict = Verdict(succeeded=False, failure=Failure.PREPARE, error=detail)
        exchange = Exchange(None, b"", Response(None, sent=False), verdict)
        unknown = Endpoint(claimed.endpoint_id, claimed.event.app_id, 0, "", 0, 0)
        gone = unknown if last is None else msgspec.structs.replace(last, version=0)
        attempt = self.attempt(gone, claimed.event, exchange, claimed.trigger, claimed)
        return Delivered(self._completion(claimed, attempt, State.FAILED, claimed.step, None), verdict)

    def attempt(
        self, endpoint: Endpoint, event: Event, exchange: Exchange, trigger: Trigger, claimed: Claimed | None = None
    ) -> AttemptRecord:
        """Write an exchange down as an attempt; `claimed` is None for a test."""
        wall = self._clock.wall()
        response, shaped = exchange.response, exchange.shaped
        body = None if shaped is None else shaped.body
        # A test's event is stored nowhere, so its body is kept whole.
        frame = body.frame if body and claimed else None
        return AttemptRecord(
            self._ids.take(wall),
            event.app_id,
            claimed.id if claimed else None,
            event,
            shaped.event_name if shaped else _name(event, endpoint),
            endpoint.id,
            endpoint.version,
            claimed.attempts if claimed else 1,
            wall,
            response.status,
            exchange.verdict.failure,
            exchange.verdict.error,
            trigger,
            response.timing,
            claimed.previous_attempt_id if claimed else None,
            exchange.head,
            frame,
            (body.shown or body.data) if body and frame is None else None,
            response.head,
            response.body,
            response.truncated,
            response.remote_address,
            response.replayed,
            exchange.renewed,
        )

    def wait_after(self, route: Route, step: int) -> float | None:
        """Return how many seconds a delivery waits after so many failed attempts of which no answer is known; None when
        the policy is used up.
        """
        dialect = route.dialect
        policy = route.endpoint.retry or dialect.defaults.retry
        return next_wait(policy, step, 0.0, dialect.defaults.jitter, self._jitter())

    def failing(self, endpoint_id: int) -> bool:
        """Tell whether the last attempt at an endpoint failed."""
        return not self._health.get(endpoint_id, _HEALTHY).healthy

    def forget(self, endpoint_id: int) -> None:
        """Start an endpoint's health anew: it was enabled again, or it is gone."""
        self._health.pop(endpoint_id, None)

    def _completion(
        self, claimed: Claimed, attempt: AttemptRecord, state: State, step: int, due_at: int | None
    ) -> Completion:
        return Completion(
            claimed.id,
            claimed.claim_id,
            claimed.endpoint_id,
            state,
            step,
            0,
            attempt.at,
            due_at,
            attempt,
            claimed.lane,
            claimed.from_queue,
        )

    def _learn(self, route: Route, verdict: Verdict) -> DisabledReason | None:
        endpoint_id = route.endpoint.id
        health = self._health.get(endpoint_id, _HEALTHY)
        rule = route.dialect.defaults.disable
        if verdict.succeeded and health is _HEALTHY and rule.failure_rate is None:
            return None  # nearly always: it was well and is well
        worse, reason = after(health, verdict, rule, self._clock.now())
        if worse is not health:
            self._health[endpoint_id] = worse
        return reason

    def _figures(self, route: Route, at: int) -> Disabling | None:
        health = self._health.get(route.endpoint.id, _HEALTHY)
        return figures(health, route.dialect.defaults.disable, at)

    def _wait(self, route: Route, step: int, verdict: Verdict, response: Response) -> float | None:
        """Return how many seconds from now the next attempt is due; None when there is none."""
        dialect = route.dialect
        if not _retries(dialect, verdict):
            return None
        asked = asked_wait(response.header("retry-after"), self._clock.wall()) if response.head else 0.0
        policy = route.endpoint.retry or dialect.defaults.retry
        return next_wait(policy, step, asked, dialect.defaults.jitter, self._jitter())


def _name(event: Event, endpoint: Endpoint) -> str:
    """Return what the endpoint's dialect calls an event that never got its shape."""
    return dialect_named(endpoint.dialect).name_of(event.type, endpoint) or event.type


def _retries(dialect: Dialect, verdict: Verdict) -> bool:
    return verdict.transient or dialect.defaults.retries_non_transient
