"""The plan of capacity: the examples of the page come out of its formulae and its figures."""

import re
from pathlib import Path

import pytest
from tests.deploy.reading import ROOT

TEXT = Path(ROOT / "docs" / "operations.md").read_text()
DAY = 86_400
SPARE = 1.3
SHARE = 0.6
ANSWER_SECONDS = 0.25
EXAMPLES = range(3)


def number(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text))


def row(name: str) -> list[str]:
    (line,) = re.findall(rf"^\| {re.escape(name)} \|(.*)\|$", TEXT, re.MULTILINE)
    return [cell.strip() for cell in line.split("|")]


def figure(pattern: str) -> list[float]:
    """Return the figures of one row of the table of what to reckon with."""
    (cell,) = re.findall(rf"^\| {re.escape(pattern)}[^|]*\| ([^|]*?) \|", TEXT, re.MULTILINE)
    return [float(each) for each in re.findall(r"\d+(?:\.\d+)?", cell)]


ON_DISK = figure("event of 1 KiB · delivery · attempt on disk")
WRITTEN = figure("log written (WAL) for an event")
(HANDSHAKE,) = figure("`h`: CPU of a new TLS connection")
RETRIED = 1.05


class Example:
    def __init__(self, place: int) -> None:
        self.events, self.events_busy = map(number, row("E, events/s")[place].split("/"))
        self.deliveries, self.deliveries_busy = map(number, row("D, deliveries/s")[place].split("/"))
        self.fan_out = number(row("F, endpoints an event")[place])
        self.opened = number(row("s, new connections")[place])
        self.days = number(row("T, days kept")[place])
        self.cost = number(row("c, CPU of a delivery (µs)")[place])


def said(name: str, place: int) -> float:
    return number(row(name)[place])


@pytest.mark.parametrize("place", EXAMPLES)
def test_deliveries_are_events_times_endpoints(place):
    example = Example(place)
    assert example.deliveries == pytest.approx(example.events * example.fan_out)
    assert example.deliveries_busy == pytest.approx(example.events_busy * example.fan_out)


@pytest.mark.parametrize("place", EXAMPLES)
def test_cores_and_open_requests_follow_from_the_busiest_minute(place):
    example = Example(place)
    cores = example.deliveries_busy * (example.cost + example.opened * HANDSHAKE) / 1e6 / SHARE
    assert said("cores for workers", place) == pytest.approx(cores, rel=0.06)
    assert said("requests open", place) == pytest.approx(example.deliveries_busy * RETRIED * ANSWER_SECONDS, rel=0.06)


@pytest.mark.parametrize("place", EXAMPLES)
def test_the_log_follows_from_the_busiest_minute(place):
    example = Example(place)
    event, delivery = WRITTEN
    written = (example.events_busy * event + example.deliveries_busy * delivery) / 1000
    assert said("WAL, MB/s", place) == pytest.approx(written, rel=0.06)


@pytest.mark.parametrize("place", EXAMPLES)
def test_the_disk_follows_from_the_mean(place):
    example = Example(place)
    event, delivery, attempt = ON_DISK[-3:]
    longer = (example.events * event + example.deliveries * delivery) * (example.days + 7)
    shorter = example.deliveries * RETRIED * attempt * example.days
    assert said("disk, GB", place) == pytest.approx(DAY * (longer + shorter) * SPARE / 1e6, rel=0.06)


def test_the_formulae_are_made_of_the_same_figures():
    (formulae,) = re.findall(r"^```text\n(deliveries a second.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    used = {float(each) for each in re.findall(r"(\d+\.\d+)(?: KB)?", formulae)}
    assert used == {*ON_DISK[-3:], *WRITTEN, SHARE, SPARE}
    assert f"`t` = {ANSWER_SECONDS} s, `R` = {RETRIED}" in TEXT
