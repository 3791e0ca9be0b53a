"""Judge: what an answer means for the delivery and for the endpoint's health."""

from typing import Final

from reelhook.dialects.dialect import DisableRule
from reelhook.model.attempt import Failure, Verdict, is_transient
from reelhook.model.endpoint import DisabledReason, Disabling
from reelhook.model.http import Response
from reelhook.pipeline.values import Health

BUCKETS: Final = 12
"""The window of a failure rate slides in so many steps."""

_CLASSES: Final = {410: Failure.GONE, 429: Failure.THROTTLED}
_ADVICE: Final = {
    400: "the receiver did not understand the request; look at its answer below",
    401: "the receiver wants other credentials; check the endpoint's authentication and secret",
    403: "the receiver does not allow it; check credentials, secret and the addresses that it lets in",
    404: "nothing answers at this path; check the URL",
    405: "the receiver takes no POST at this path; check the URL",
    408: "the receiver waited too long for the request; it is tried again",
    410: "the receiver is gone for good; point the endpoint to a new URL and enable it again",
    413: "the body is too large for the receiver; choose fewer fields in the endpoint's payload",
    415: "the receiver does not take this format; check the endpoint's dialect",
    422: "the receiver refused the content; look at its answer below",
    429: "the receiver asks us to slow down; set the endpoint's rate_limit",
    500: "the receiver failed; look at its own log",
    502: "the receiver's gateway got no answer from the application behind it",
    503: "the receiver is unavailable at the moment",
    504: "the receiver's gateway waited too long for the application behind it",
}


_SUCCESS: Final = Verdict(succeeded=True)


def judge(response: Response) -> Verdict:
    """Judge an answer: 200 to 299 is success, everything else is not, and a redirect is never followed."""
    status = response.status
    if response.failure is not None:
        error = response.error or f"no answer: {response.failure.value.replace('_', ' ')}"
        return Verdict(False, response.failure, error, is_transient(response.failure, status))
    if status is None or status < 200:
        return Verdict(False, Failure.PROTOCOL, "the answer has no final status; the receiver must speak HTTP/1.1")
    if status < 300:
        return _SUCCESS
    failure = Failure.REDIRECT if status < 400 else _CLASSES.get(status, Failure.STATUS)
    return Verdict(False, failure, _sentence(status, response), is_transient(failure, status))


def _sentence(status: int, response: Response) -> str:
    if status < 400:
        where = "".join(response.header("location")[:1])[:200]
        return f"{status}: redirects are not followed; set the endpoint's URL to {where or 'where it leads'}"
    advice = _ADVICE.get(status)
    if advice is None:
        advice = (
            "the receiver failed" if status >= 500 else "the receiver refused the request; look at its answer below"
        )
    return f"{status}: {advice}"


def after(health: Health, verdict: Verdict, rule: DisableRule, now: int) -> tuple[Health, DisabledReason | None]:
    """Return the health after one more attempt, and why the endpoint must be disabled now, if it must.

    `now` is ms. Interrupted attempts say nothing about the receiver and change nothing.
    """
    if verdict.failure is Failure.INTERRUPTED:
        return health, None
    window = _slide(health.window, verdict, rule, now) if rule.failure_rate is not None else ()
    if verdict.succeeded:
        if health.healthy and not window:
            return health, None  # the hot path: nothing changes
        return Health(window=window), None
    since = now if health.failing_since is None else health.failing_since
    worse = Health(since, health.failures + 1, window)
    return worse, _reason(worse, verdict, rule, now)


def figures(health: Health, rule: DisableRule, at: int) -> Disabling | None:
    """Return what was counted when an endpoint is disabled with an attempt that ended at `at` (wall time, ms); None
    where the rule counts nothing.
    """
    attempts, failures = _counted(health.window)
    if not attempts:
        return None
    return Disabling(failures / attempts, attempts, failures, at, rule.within)


def _reason(health: Health, verdict: Verdict, rule: DisableRule, now: int) -> DisabledReason | None:
    if rule.gone and verdict.failure is Failure.GONE:
        return DisabledReason.GONE
    if rule.non_transient and not verdict.transient:
        return DisabledReason.NON_TRANSIENT
    if rule.failure_rate is not None and _exceeds(health.window, rule, rule.failure_rate):
        return DisabledReason.FAILURE_RATE
    since = now if health.failing_since is None else health.failing_since
    if rule.failing_for is not None and now - since >= rule.failing_for * 1000:
        return DisabledReason.CONSECUTIVE
    return None


def _slide(
    window: tuple[tuple[int, int, int], ...], verdict: Verdict, rule: DisableRule, now: int
) -> tuple[tuple[int, int, int], ...]:
    step = int(now * BUCKETS / (rule.within * 1000))
    failed = not verdict.succeeded
    if window and window[-1][0] == step:
        _, attempts, failures = window[-1]
        return (*window[:-1], (step, attempts + 1, failures + failed))
    kept = (bucket for bucket in window if step - BUCKETS < bucket[0] < step)
    return (*kept, (step, 1, int(failed)))


def _exceeds(window: tuple[tuple[int, int, int], ...], rule: DisableRule, rate: float) -> bool:
    attempts, failures = _counted(window)
    return attempts >= rule.of_attempts and failures >= rate * attempts


def _counted(window: tuple[tuple[int, int, int], ...]) -> tuple[int, int]:
    return sum(bucket[1] for bucket in window), sum(bucket[2] for bucket in window)
