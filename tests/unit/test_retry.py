from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.samples import NOW

from reelhook.dialects.standard import STANDARD
from reelhook.model.endpoint import ExponentialRetry, FixedRetry, Retry, ScheduleRetry
from reelhook.pipeline.retry import LONGEST_RETRY_AFTER, asked_wait, next_wait, own_wait

DAY = 24 * 3600.0
WALL = datetime.fromtimestamp(NOW / 1000, UTC)

delays = st.floats(0, 7 * DAY)
policies = (
    st.lists(delays, max_size=30).map(lambda waits: ScheduleRetry(tuple(waits)))
    | st.builds(FixedRetry, st.integers(0, 30), delays)
    | st.builds(ExponentialRetry, st.integers(0, 30), delays, delays)
)


def http_date(seconds: float) -> str:
    return format_datetime((WALL + timedelta(seconds=seconds)).replace(microsecond=0), usegmt=True)


def test_the_schedule_of_the_standard_dialect_is_followed_to_its_end() -> None:
    policy = STANDARD.defaults.retry
    waits = [own_wait(policy, step) for step in range(1, 9)]
    assert waits == [5, 300, 1800, 7200, 18000, 36000, 36000, None]


@pytest.mark.parametrize(
    ("policy", "waits"),
    [
        (FixedRetry(3, 5), [5, 5, 5, None]),
        (FixedRetry(0, 5), [None]),
        (ScheduleRetry(()), [None]),
        (ExponentialRetry(5, 1, 10), [1, 2, 4, 8, 10, None]),
        (ExponentialRetry(1, 20, 10), [10, None]),
    ],
)
def test_every_kind_of_policy_ends(policy: Retry, waits: list[float | None]) -> None:
    assert [own_wait(policy, step) for step in range(1, len(waits) + 1)] == waits


def test_a_schedule_cannot_be_asked_before_its_first_attempt() -> None:
    with pytest.raises(ValueError, match="after its first attempt"):
        own_wait(FixedRetry(3, 5), 0)


@pytest.mark.fault("R14")
@given(
    policy=policies,
    step=st.integers(1, 40),
    asked=st.floats(0, LONGEST_RETRY_AFTER),
    share=st.floats(0, 1),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_no_attempt_is_before_it_is_due_and_jitter_stays_within_its_share(
    policy: Retry, step: int, asked: float, share: float, jitter: float
) -> None:
    own = own_wait(policy, step)
    wait = next_wait(policy, step, asked, share, jitter)
    assert (wait is None) is (own is None)
    if wait is not None and own is not None:
        due = max(own, asked)
        assert due <= wait <= due * (1 + share) * (1 + 1e-9)
        assert wait == due or not isinstance(policy, FixedRetry)


@pytest.mark.fault("R14")
@given(policy=policies, jitter=st.floats(0, 1, exclude_max=True))
def test_every_policy_is_used_up_after_its_retries(policy: Retry, jitter: float) -> None:
    most = len(policy.delays) if isinstance(policy, ScheduleRetry) else policy.retries
    made = [next_wait(policy, step, 0, 0.1, jitter) for step in range(1, most + 3)]
    assert all(wait is not None for wait in made[:most])
    assert made[most:] == [None, None]


@pytest.mark.fault("R15")
@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([], 0),
        (["120"], 120),
        ([" 120 "], 120),
        (["0"], 0),
        (["1.5"], 1.5),
        (["1000000000"], DAY),
        (["9" * 5000], DAY),
        (["1e9"], 0),
        (["-1"], 0),
        (["abc"], 0),
        ([""], 0),
        (["120, 60"], 0),
        (["²"], 0),
        (["120", "60"], 120),
        (["60", "abc"], 60),
        ([http_date(90)], 90),
        ([http_date(-90)], 0),
        ([http_date(30 * DAY)], DAY),
        (["Friday, 21-Nov-25 06:31:30 GMT"], 90),
        (["Fri Nov 21 06:31:30 2025"], 90),
        (["Fri, 21 Nov 2025 06:31:30"], 90),
        (["Fri, 99 Nov 2025 06:31:30 GMT"], 0),
        (["Fri, 21 Nov 99999999999 06:31:30 GMT"], 0),
        (["inf"], 0),
        (["nan"], 0),
    ],
)
def test_a_receiver_may_ask_for_up_to_a_day_and_what_cannot_be_read_is_ignored(
    values: list[str], seconds: float
) -> None:
    assert asked_wait(values, NOW) == pytest.approx(seconds, abs=1)


@pytest.mark.fault("R15")
@given(values=st.lists(st.text(max_size=40), max_size=3))
def test_no_retry_after_can_break_the_schedule(values: list[str]) -> None:
    assert 0 <= asked_wait(values, NOW) <= DAY


@pytest.mark.fault("R15")
def test_the_longer_of_own_wait_and_retry_after_counts() -> None:
    policy = STANDARD.defaults.retry
    assert next_wait(policy, 1, 120, 0.1, 0) == 120
    assert next_wait(policy, 2, 120, 0.1, 0) == 300
    assert next_wait(policy, 8, 120, 0.1, 0) is None
    assert next_wait(ScheduleRetry((3 * DAY,)), 1, DAY, 0.1, 0.5) == pytest.approx(3 * DAY * 1.05)
