"""Metrics as Prometheus reads them, and log lines that hold no secret."""

import io
import json
import logging

import pytest
import structlog
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from reelhook.model.secret import Secret
from reelhook.telemetry import AttemptLine, EventLine, Histogram, Lines, Metrics, configure_logging

ATTEMPT = AttemptLine(
    attempt_id="att_1",
    delivery_id="dlv_1",
    event_id="evt_1",
    event_type="asset.created",
    event_name="asset.created",
    app_id="default",
    endpoint_id="ep_1",
    endpoint_version=1,
    host="hooks.example.org",
    number=1,
    trigger="schedule",
    result="succeeded",
    state="delivered",
    status_code=200,
    error_class=None,
    error=None,
    dns_ms=None,
    connect_ms=None,
    tls_ms=None,
    first_byte_ms=1.5,
    total_ms=2.0,
    next_attempt_at=None,
    remote_address="192.0.2.1",
    replayed=False,
    renewed=False,
)
EVENT = EventLine("evt_1", "asset.created", "default", 3, 2, 512)


@pytest.fixture(autouse=True)
def _logging_as_before():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def scraped(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = metrics.render().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_numbers_appear_as_prometheus_reads_them():
    metrics = Metrics("1.2.3")
    metrics.events_accepted += 7
    metrics.attempted(None, 0.004)
    metrics.attempted("timeout", 15.0)
    metrics.deliveries["delivered"] += 1
    metrics.endpoints = {"active": 4, "disabled": 1}
    metrics.committed(12, 0.002)
    seen = scraped(metrics)
    assert seen["reelhook_build_info", (("version", "1.2.3"),)] == 1
    assert seen["reelhook_events_accepted_total", ()] == 7
    assert seen["reelhook_attempts_total", (("error_class", "timeout"), ("result", "failed"))] == 1
    assert seen["reelhook_deliveries_closed_total", (("state", "delivered"),)] == 1
    assert seen["reelhook_endpoints", (("state", "disabled"),)] == 1
    assert seen["reelhook_attempt_duration_seconds_bucket", (("le", "0.005"),)] == 1
    assert seen["reelhook_attempt_duration_seconds_count", ()] == 2
    assert seen["reelhook_attempt_duration_seconds_sum", ()] == pytest.approx(15.004)
    assert seen["reelhook_commit_operations_bucket", (("le", "25.0"),)] == 1


@pytest.mark.fault("R30")
def test_what_a_soak_is_judged_by_is_there():
    names = {name for name, _ in scraped(Metrics("test"))}
    assert {"process_resident_memory_bytes", "process_open_fds", "reelhook_wal_bytes"} <= names


def test_two_metrics_in_one_process_do_not_know_each_other():
    one, other = Metrics("test"), Metrics("test")
    one.events_accepted = 5
    assert scraped(other)["reelhook_events_accepted_total", ()] == 0


def test_gauges_are_refreshed_before_each_scrape():
    metrics = Metrics("test")
    calls = iter([3, 4])

    def refresh() -> None:
        metrics.in_flight = next(calls)

    metrics.before_render(refresh)
    assert scraped(metrics)["reelhook_attempts_in_flight", ()] == 3
    assert scraped(metrics)["reelhook_attempts_in_flight", ()] == 4


def test_a_bound_belongs_to_its_own_bucket():
    histogram = Histogram((1, 2))
    for value in (0.5, 1, 1.5, 2, 3):
        histogram.observe(value)
    assert histogram.buckets() == [("1.0", 2), ("2.0", 4), ("+Inf", 5)]


def test_a_success_is_a_debug_line_only_when_every_line_is_wanted():
    with capture_logs() as quiet:
        Lines(every=False).attempted(ATTEMPT)
        Lines(every=False).received(EVENT)
    with capture_logs() as wide:
        Lines(every=True).attempted(ATTEMPT)
        Lines(every=True).received(EVENT)
    assert quiet == []
    assert [(line["log_level"], line["event"]) for line in wide] == [
        ("debug", "delivery.attempted"),
        ("debug", "event.received"),
    ]
    assert wide[0]["first_byte_ms"] == 1.5


@pytest.mark.parametrize(("state", "level"), [("retrying", "info"), ("failed", "warning"), (None, "info")])
def test_a_failure_is_always_a_line_and_a_warning_when_it_was_the_last(state, level):
    with capture_logs() as logs:
        Lines(every=False).attempted(replace(ATTEMPT, result="failed", state=state, error_class="timeout"))
    assert [line["log_level"] for line in logs] == [level]


def _fail(password: str) -> None:
    raise ValueError(f"smtp://user:{password}@mail")


def logged(form: str, level: str = "debug") -> tuple[io.StringIO, structlog.typing.FilteringBoundLogger]:
    stream = io.StringIO()
    configure_logging(form, level, stream)
    return stream, structlog.get_logger()


@pytest.mark.fault("S28")
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_secret_does_not_reach_the_log_in_any_of_its_forms(form):
    stream, log = logged(form)
    log.info("set", secret="canary-1", Password="canary-2", operator_token="canary-3", api_key="canary-4")
    log.info("nested", headers={"Authorization": "canary-5", "x": [{"client_secret": "canary-6"}]})
    log.info("text", url="https://user:canary-7@example.org/", line="Authorization: Bearer canary-8-abcdef")
    log.info("known forms whsec_canary9AAAA rhk_canary10AAAA", key="whsk_canary11AAAA")
    log.info("masked", value=Secret("canary-12"))
    logging.getLogger("library").warning("sent %s", "Basic canary13AAAAA")
    try:
        _fail("canary-14")
    except ValueError:
        log.exception("failed")
    assert "canary" not in stream.getvalue().replace('_fail("canary-14")', "").replace('_fail(\\"canary-14\\")', "")
    assert stream.getvalue().count("***") >= 12


def test_ids_and_numbers_are_not_taken_for_secrets():
    stream, log = logged("json")
    log.info("made", token_id="tok_1", attempts=3, secret_expires_at="2026", none_token=None)
    line = json.loads(stream.getvalue())
    assert line["token_id"] == "tok_1"
    assert line["secret_expires_at"] == "2026"
    assert line["none_token"] is None


def test_json_lines_begin_with_time_level_and_event():
    stream, log = logged("json")
    log.warning("clock.drifts", seconds=3.5)
    assert list(json.loads(stream.getvalue())) == ["timestamp", "level", "event", "seconds"]


def test_what_is_below_the_level_is_not_written_for_us_nor_for_libraries():
    stream, log = logged("console", "warning")
    log.info("quiet")
    logging.getLogger("library").info("quiet")
    log.error("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_is_told_without_the_values_of_variables(form):
    stream, log = logged(form)
    hidden = "canary".upper()
    try:
        _fail(hidden)
    except ValueError:
        log.exception("failed")
    assert "ValueError" in stream.getvalue()
    assert hidden not in stream.getvalue()
