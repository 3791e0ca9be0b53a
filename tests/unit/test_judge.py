import pytest
from tests.unit.samples import NOW

from reelhook.dialects.dialect import DisableRule
from reelhook.dialects.standard import STANDARD
from reelhook.model.attempt import TRANSIENT, Failure, Verdict
from reelhook.model.endpoint import DisabledReason, Disabling
from reelhook.model.http import Response
from reelhook.pipeline.judge import after, figures, judge
from reelhook.pipeline.values import Health

HOUR = 3_600_000
DAY = 24 * HOUR
OK = judge(Response(200))
REFUSED = judge(Response(None, failure=Failure.REFUSED, error="the receiver refused the connection"))
PATIENT = STANDARD.defaults.disable
IMPATIENT = DisableRule(gone=True, non_transient=True)
BY_RATE = DisableRule(failure_rate=0.5, of_attempts=20, within=3600)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 226, 299])
def test_every_2xx_is_success(status: int) -> None:
    assert judge(Response(status)) == Verdict(succeeded=True)


@pytest.mark.parametrize(
    ("status", "failure", "transient"),
    [
        (300, Failure.REDIRECT, False),
        (301, Failure.REDIRECT, False),
        (304, Failure.REDIRECT, False),
        (400, Failure.STATUS, False),
        (401, Failure.STATUS, False),
        (404, Failure.STATUS, False),
        (408, Failure.STATUS, True),
        (410, Failure.GONE, False),
        (418, Failure.STATUS, False),
        (429, Failure.THROTTLED, True),
        (500, Failure.STATUS, True),
        (502, Failure.STATUS, True),
        (503, Failure.STATUS, True),
        (504, Failure.STATUS, True),
        (599, Failure.STATUS, True),
        (999, Failure.STATUS, True),
        (100, Failure.PROTOCOL, False),
        (None, Failure.PROTOCOL, False),
    ],
)
def test_everything_else_is_a_failure_with_a_class_and_a_sentence(
    status: int | None, failure: Failure, transient: bool
) -> None:
    verdict = judge(Response(status))
    assert (verdict.succeeded, verdict.failure, verdict.transient) == (False, failure, transient)
    assert verdict.error
    if status is not None and status >= 300:
        assert verdict.error.startswith(f"{status}: ")


def test_a_redirect_is_a_failure_that_says_where_it_leads() -> None:
    verdict = judge(Response(302, head=b"Location: https://new.example.com/hook\r\n"))
    assert verdict.error == ("302: redirects are not followed; set the endpoint's URL to https://new.example.com/hook")


@pytest.mark.parametrize("failure", list(Failure))
def test_a_failure_of_the_wire_is_passed_on(failure: Failure) -> None:
    verdict = judge(Response(None, failure=failure, error="the reason"))
    assert (verdict.succeeded, verdict.failure, verdict.error) == (False, failure, "the reason")
    assert verdict.transient is (failure in TRANSIENT)


def test_a_failure_wins_over_a_status_that_had_arrived() -> None:
    assert not judge(Response(200, failure=Failure.PROTOCOL, error="the body ended early")).succeeded


def test_success_on_a_healthy_endpoint_changes_nothing() -> None:
    healthy = Health()
    assert after(healthy, OK, PATIENT, NOW) == (healthy, None)
    assert after(healthy, OK, PATIENT, NOW)[0] is healthy


def test_410_disables_at_once() -> None:
    health, reason = after(Health(), judge(Response(410)), PATIENT, NOW)
    assert reason is DisabledReason.GONE
    assert not health.healthy
    assert after(Health(), judge(Response(410)), DisableRule(gone=False), NOW)[1] is None


def test_only_a_rule_that_says_so_disables_on_a_non_transient_error() -> None:
    assert after(Health(), judge(Response(404)), PATIENT, NOW)[1] is None
    assert after(Health(), judge(Response(404)), IMPATIENT, NOW)[1] is DisabledReason.NON_TRANSIENT
    assert after(Health(), REFUSED, IMPATIENT, NOW)[1] is None
    assert after(Health(), judge(Response(503)), IMPATIENT, NOW)[1] is None


def test_five_days_of_nothing_but_failures_disable() -> None:
    health, reason = after(Health(), REFUSED, PATIENT, NOW)
    health, reason = after(health, REFUSED, PATIENT, NOW + 5 * DAY - 1)
    assert (reason, health.failures, health.failing_since) == (None, 2, NOW)
    assert after(health, REFUSED, PATIENT, NOW + 5 * DAY)[1] is DisabledReason.CONSECUTIVE


def test_one_success_in_five_days_begins_the_count_anew() -> None:
    health, _ = after(Health(), REFUSED, PATIENT, NOW)
    health, _ = after(health, OK, PATIENT, NOW + 4 * DAY)
    assert health == Health()
    assert after(health, REFUSED, PATIENT, NOW + 6 * DAY)[1] is None


def test_half_of_twenty_attempts_within_an_hour_disable_by_rate() -> None:
    health, reason = Health(), None
    for turn in range(19):
        verdict = REFUSED if turn % 2 else OK
        health, reason = after(health, verdict, BY_RATE, NOW + turn * 1000)
        assert reason is None
    assert after(health, OK, BY_RATE, NOW + 20_000)[1] is None
    assert after(health, REFUSED, BY_RATE, NOW + 20_000)[1] is DisabledReason.FAILURE_RATE


def test_failures_of_an_hour_ago_do_not_count() -> None:
    health = Health()
    for turn in range(19):
        health, _ = after(health, REFUSED, BY_RATE, NOW + turn)
    health, reason = after(health, REFUSED, BY_RATE, NOW + HOUR + 60_000)
    assert reason is None
    assert sum(attempts for _, attempts, _ in health.window) == 1


def test_the_window_stays_small_however_many_attempts_there_are() -> None:
    health = Health()
    for turn in range(5000):
        health, _ = after(health, OK, BY_RATE, NOW + turn * 7000)
    assert len(health.window) <= 12


def test_an_interruption_of_ours_says_nothing_about_the_receiver() -> None:
    interrupted = judge(Response(None, failure=Failure.INTERRUPTED, error="the process ended"))
    assert after(Health(), interrupted, IMPATIENT, NOW) == (Health(), None)


def test_a_window_that_is_counted_gives_the_figures_of_a_disabling() -> None:
    health = Health()
    for number in range(20):
        health, _ = after(health, OK if number % 2 else REFUSED, BY_RATE, NOW + number * 60_000)
    assert figures(health, BY_RATE, 99) == Disabling(0.5, 20, 10, 99, 3600)
    for _ in range(5):
        health, _ = after(health, OK, BY_RATE, NOW + 2 * HOUR)
    assert figures(health, BY_RATE, 99) == Disabling(0.0, 5, 0, 99, 3600)


def test_a_rule_that_counts_nothing_gives_no_figures() -> None:
    health, _ = after(Health(), REFUSED, IMPATIENT, NOW)
    assert figures(health, IMPATIENT, 99) is None
