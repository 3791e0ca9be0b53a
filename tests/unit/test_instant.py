from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelhook.model.instant import read_time, show_time

LAST = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()) * 1000 + 999


def test_times_are_written_in_utc_with_milliseconds() -> None:
    assert show_time(1_795_242_600_123) == "2026-11-21T06:30:00.123Z"
    assert show_time(0) == "1970-01-01T00:00:00.000Z"


@given(st.integers(0, LAST))
def test_what_is_written_reads_back(millisecond: int) -> None:
    assert read_time(show_time(millisecond)) == millisecond


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-11-21T06:30:00Z", "2026-11-21T06:30:00.000Z"),
        ("2026-11-21T08:30:00+02:00", "2026-11-21T06:30:00.000Z"),
        ("2026-11-21T00:30:00-06:00", "2026-11-21T06:30:00.000Z"),
        ("2026-11-21T06:30:00-00:00", "2026-11-21T06:30:00.000Z"),
        ("2026-11-21t06:30:00z", "2026-11-21T06:30:00.000Z"),
        ("2026-11-21 06:30:00Z", "2026-11-21T06:30:00.000Z"),
        ("2026-11-21T06:30:00.1Z", "2026-11-21T06:30:00.100Z"),
        ("2026-11-21T06:30:00.123999999Z", "2026-11-21T06:30:00.123Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_every_form_of_rfc_3339_is_read(text: str, same: str) -> None:
    assert show_time(read_time(text)) == same


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1795242600",
        "2026-11-21",
        "20261121T063000Z",
        "2026-W47-6T06:30:00Z",
        "2026-11-21T06:30Z",
        "2026-11-21T06:30:00+02",
        "2026-11-21T06:30:00+0200",
        "2026-11-21T06:30:00,5Z",
        "2026-11-21T24:00:00Z",
        "2026-02-29T06:30:00Z",
        "2026-13-01T06:30:00Z",
        "2026-11-21T06:30:00+24:00",
        "2026-11-21T06:30:00Z\n",
        "\uff12\uff10\uff12\uff16-11-21T06:30:00Z",
    ],
)
def test_other_ways_to_write_a_time_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an RFC 3339 time"):
        read_time(text)


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        read_time("2026-11-21T06:30:00")


@pytest.mark.parametrize("text", ["1969-12-31T23:59:59Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_a_time_before_1970_or_after_9999_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="1970 to 9999"):
        read_time(text)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    with suppress(ValueError):
        assert 0 <= read_time(text) <= LAST
