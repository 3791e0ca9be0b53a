"""What an exchange makes of its delivery and of its endpoint."""

from typing import Any

import msgspec
import pytest
from tests.conformance.world import HandClock
from tests.unit.samples import an_endpoint, an_event

from reelhook.dialects.dialect import NO_CONTEXT, Body, DisableRule
from reelhook.dialects.standard import STANDARD
from reelhook.model.attempt import Failure, Timing, Verdict
from reelhook.model.delivery import State, Trigger
from reelhook.model.endpoint import DisabledReason, Disabling, FixedRetry, ScheduleRetry
from reelhook.model.http import Response
from reelhook.model.ids import IdSource, time_of
from reelhook.pipeline.directory import Route
from reelhook.pipeline.judge import judge
from reelhook.pipeline.match import compile_filter
from reelhook.pipeline.record import Recorder
from reelhook.pipeline.shape import shape
from reelhook.pipeline.values import Exchange, Health, Shaped
from reelhook.ports import Claimed, Delivered

DAY = 24 * 3_600_000
OK = Response(200, timing=Timing(total=12.5), remote_address="192.0.2.1", body=b"ok", head=b"Server: x\r\n")
DOWN = Response(503)
GONE = Response(410)


class Scene:
    def __init__(self, *, jitter: float = 0.0, health: dict[int, Health] | None = None, **endpoint: Any) -> None:
        self.clock = HandClock()
        self.recorder = Recorder(self.clock, IdSource(), lambda: jitter, health)
        self.route = a_route(**endpoint)

    def attempted(self, response: Response, **claimed: Any) -> Delivered:
        return self.recorder.completed(self.route, a_claimed(**claimed), self.exchange(response))

    def exchange(self, response: Response) -> Exchange:
        shaped = shape(an_event(), self.route.endpoint, self.route.dialect, NO_CONTEXT)
        return Exchange(shaped, b"POST /in HTTP/1.1\r\nAuthorization: ***\r\n", response, judge(response))

    def waits(self, response: Response, **claimed: Any) -> float | None:
        due_at = self.attempted(response, **claimed).completion.due_at
        return None if due_at is None else (due_at - self.clock.now()) / 1000


class Brief:
    """The standard dialect with other defaults."""

    def __init__(self, **changes: Any) -> None:
        self.defaults = msgspec.structs.replace(STANDARD.defaults, **changes)

    def __getattr__(self, name: str) -> Any:
        return getattr(STANDARD, name)


def a_route(dialect_defaults: dict[str, Any] | None = None, **endpoint: Any) -> Route:
    dialect: Any = Brief(**dialect_defaults) if dialect_defaults else STANDARD
    one = an_endpoint(**endpoint)
    return Route(one, dialect, compile_filter(one, dialect, lambda name: name.partition(".")[0]))


def a_claimed(**more: Any) -> Claimed:
    basics = {"id": 9, "claim_id": 77, "endpoint_id": 1, "event": an_event(), "attempts": 1, "step": 0}
    return Claimed(**basics | {"trigger": Trigger.SCHEDULE} | more)


def test_a_success_closes_the_delivery() -> None:
    completion = Scene().attempted(OK).completion
    assert (completion.state, completion.due_at, completion.step) == (State.DELIVERED, None, 1)
    assert (completion.delivery_id, completion.claim_id, completion.endpoint_id) == (9, 77, 1)


def test_a_failure_is_tried_again_when_the_schedule_says() -> None:
    scene = Scene()
    assert [scene.waits(DOWN, step=step) for step in range(8)] == [5, 300, 1800, 7200, 18000, 36000, 36000, None]
    assert scene.attempted(DOWN, step=0).completion.state is State.RETRYING
    assert scene.attempted(DOWN, step=7).completion.state is State.FAILED


@pytest.mark.fault("R14")
def test_jitter_only_ever_adds_to_the_wait() -> None:
    assert Scene(jitter=0.0).waits(DOWN) == 5
    assert 5 < (Scene(jitter=0.999).waits(DOWN) or 0) <= 10


def test_the_endpoints_own_retry_wins_over_the_dialects() -> None:
    assert Scene(retry=FixedRetry(3, 5)).waits(DOWN, step=2) == 5
    assert Scene(retry=FixedRetry(3, 5)).waits(DOWN, step=3) is None
    assert Scene(retry=ScheduleRetry(())).attempted(DOWN).completion.state is State.FAILED


@pytest.mark.fault("R15")
def test_the_receiver_may_ask_for_a_longer_wait() -> None:
    assert Scene().waits(Response(429, head=b"Retry-After: 120\r\n")) == 120
    assert Scene().waits(Response(503, head=b"retry-after: 1\r\n")) == 5
    assert Scene().waits(Response(503, head=b"Retry-After: soon\r\n")) == 5


@pytest.mark.fault("R16")
def test_a_receiver_that_is_gone_disables_the_endpoint_and_the_delivery_stays_on_its_schedule() -> None:
    delivered = Scene().attempted(GONE)
    assert delivered.completion.state is State.RETRYING
    assert delivered.disabled is DisabledReason.GONE


def test_a_dialect_that_does_not_mind_410_retries_it() -> None:
    scene = Scene(dialect_defaults={"disable": DisableRule(gone=False)})
    delivered = scene.attempted(GONE)
    assert (delivered.completion.state, delivered.disabled) == (State.RETRYING, None)


def test_a_dialect_may_retry_transient_failures_only() -> None:
    scene = Scene(dialect_defaults={"retries_non_transient": False, "disable": DisableRule(non_transient=True)})
    assert scene.attempted(DOWN).completion.state is State.RETRYING
    refused = scene.attempted(Response(400))
    assert (refused.completion.state, refused.disabled) == (State.FAILED, DisabledReason.NON_TRANSIENT)


def test_five_days_of_nothing_but_failures_disable_the_endpoint_and_a_success_in_between_does_not() -> None:
    scene = Scene()
    assert scene.attempted(DOWN).disabled is None
    scene.clock.move(4 * DAY)
    assert scene.attempted(DOWN).disabled is None
    scene.attempted(OK)
    scene.clock.move(2 * DAY)
    assert scene.attempted(DOWN).disabled is None
    scene.clock.move(5 * DAY)
    assert scene.attempted(DOWN).disabled is DisabledReason.CONSECUTIVE


def test_health_goes_on_after_a_restart_and_begins_anew_when_the_endpoint_is_enabled() -> None:
    scene = Scene(health={1: Health(failing_since=HandClock().now() - 5 * DAY, failures=1)})
    assert scene.attempted(DOWN).disabled is DisabledReason.CONSECUTIVE
    scene.recorder.forget(1)
    assert scene.attempted(DOWN).disabled is None


def test_the_attempt_says_what_was_sent_and_what_came_back() -> None:
    scene = Scene(version=3)
    attempt = scene.attempted(OK, attempts=4, previous_attempt_id=8, trigger=Trigger.RESEND).completion.attempt
    assert (attempt.number, attempt.previous_id, attempt.trigger) == (4, 8, Trigger.RESEND)
    assert (attempt.endpoint_id, attempt.endpoint_version, attempt.event_name) == (1, 3, "asset.created")
    assert (attempt.status_code, attempt.failure, attempt.error) == (200, None, None)
    assert (attempt.remote_address, attempt.response_body, attempt.timing.total) == ("192.0.2.1", b"ok", 12.5)
    assert b"Authorization: ***" in attempt.head
    assert time_of(attempt.id) == scene.clock.wall()


def test_a_body_that_frames_the_events_data_is_not_stored_a_second_time() -> None:
    attempt = Scene().attempted(OK).completion.attempt
    assert attempt.body is None
    assert attempt.frame is not None
    prefix, suffix = attempt.frame
    assert msgspec.json.decode(prefix + an_event().data + suffix)["data"] == {"asset": {"id": "ast_1"}}


def test_the_body_of_a_test_is_stored_whole_because_its_event_is_stored_nowhere() -> None:
    scene = Scene()
    attempt = scene.recorder.attempt(scene.route.endpoint, an_event(), scene.exchange(OK), Trigger.TEST)
    assert (attempt.delivery_id, attempt.number, attempt.frame) == (None, 1, None)
    assert msgspec.json.decode(attempt.body or b"")["type"] == "asset.created"


def test_a_delivery_whose_endpoint_is_gone_fails_and_says_so() -> None:
    delivered = Scene().recorder.orphaned(a_claimed(step=2, lane="k"))
    completion = delivered.completion
    assert (completion.state, completion.step, completion.lane, completion.due_at) == (State.FAILED, 2, "k", None)
    assert completion.attempt.failure is Failure.PREPARE
    assert "deleted" in (completion.attempt.error or "")
    assert completion.attempt.body is None


def test_what_the_claim_knew_goes_back_with_the_completion() -> None:
    completion = Scene().attempted(DOWN, lane="asset-1", from_queue=False, rescues=2).completion
    assert (completion.lane, completion.from_queue, completion.rescues) == ("asset-1", False, 0)
    assert completion.at == HandClock().wall()


def test_a_disabling_by_failure_rate_carries_its_figures() -> None:
    scene = Scene(dialect_defaults={"disable": DisableRule(failure_rate=0.5, of_attempts=4, within=60)})
    assert [scene.attempted(one).disabling for one in (OK, OK, DOWN)] == [None] * 3
    delivered = scene.attempted(DOWN)
    assert delivered.disabled is DisabledReason.FAILURE_RATE
    assert delivered.disabling == Disabling(0.5, 4, 2, delivered.completion.attempt.at, 60)


def test_a_disabling_of_which_nothing_is_counted_has_no_figures() -> None:
    delivered = Scene().attempted(GONE)
    assert (delivered.disabled, delivered.disabling) == (DisabledReason.GONE, None)


def test_a_body_that_holds_a_secret_is_recorded_as_it_may_be_shown() -> None:
    scene = Scene()
    exchange = scene.exchange(OK)
    exchange.shaped = Shaped("video-deleted", Body(b'{"secret":"s3cret"}', shown=b'{"secret":"***"}'))
    delivered = scene.recorder.completed(scene.route, a_claimed(), exchange)
    assert delivered.completion.attempt.body == b'{"secret":"***"}'


def test_an_attempt_that_never_got_its_shape_bears_the_dialects_name_too() -> None:
    scene = Scene(dialect="vimeo", events=("video-created",))
    failed = Verdict(succeeded=False, failure=Failure.PREPARE, error="no token")
    unsent = Exchange(None, b"", Response(None, sent=False), failed)
    completion = scene.recorder.completed(scene.route, a_claimed(), unsent).completion
    assert completion.attempt.event_name == "video-created"


def test_what_was_meant_for_a_deleted_endpoint_bears_the_name_that_this_had_for_it() -> None:
    scene = Scene()
    last = an_endpoint(version=7, dialect="videocloud", events=("comment.created",))
    claimed = a_claimed(event=an_event(event_type="engagement.commented"))
    attempts = [scene.recorder.orphaned(claimed, one).completion.attempt for one in (last, None)]
    assert [one.event_name for one in attempts] == ["comment.created", "engagement.commented"]
    assert [one.endpoint_version for one in attempts] == [0, 0]
