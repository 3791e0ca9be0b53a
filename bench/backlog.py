"""`backlog` and `isolation`: what a pile of waiting deliveries costs, and whether it costs anybody else."""

import time
from collections.abc import Sequence
from typing import Any

from tests.support.program import free_port, until

from bench import bound, figures
from bench.rig import Rig
from bench.stream import moment
from bench.throughput import spread

BATCH = 1000
FILLER = "x" * 950
HEALTHY = 10


def fill(rig: Rig, types: Sequence[str], count: int) -> float:
    """Publish so many events through the batch route; return how many a second were accepted."""
    start = time.monotonic()
    data = {"t": moment(), "d": moment(), "title": FILLER}
    for done in range(0, count, BATCH):
        size = min(BATCH, count - done)
        batch = [{"type": types[(done + number) % len(types)], "data": data} for number in range(size)]
        rig.api.ask("POST", "/v1/events/batch", batch).ok(202)
    return count / (time.monotonic() - start)


def resume(rig: Rig, endpoints: Sequence[str]) -> None:
    """Let paused endpoints have what waits for them."""
    for endpoint in endpoints:
        rig.api.ask("PATCH", f"/v1/endpoints/{endpoint}", {"state": "active"}).ok()


def backlog(rig: Rig, count: int, groups: int) -> dict[str, Any]:
    """Pause an endpoint (or several), pile up deliveries, resume, and time the drain."""
    raw = rig.raw_limit(3.0)
    accepted = fill(rig, spread(rig, groups, state="paused"), count)
    before = rig.sample(None)
    resume(rig, rig.endpoints)
    until(lambda: rig.received_total.value - before.received >= count, "the backlog has arrived", pause=0.005)
    arrived = time.monotonic() - before.at
    until(lambda: sum(map(rig.recorded, rig.endpoints)) >= count, "the backlog is recorded", pause=0.1)
    after = rig.sample(None)
    received = after.received - before.received
    return {
        "deliveries": count,
        "accepted in batches/s": accepted,
        "drained in s": arrived,
        "drained/s": count / arrived,
        "received": received,
        "raw posts/s": raw,
        "ratio to raw": count / arrived / raw,
        **bound.commits(before, after, count),
        **bound.cpu(before, after, count),
    }


def isolation(rig: Rig, seconds: float, rate: float, count: int) -> dict[str, Any]:
    """Ten healthy endpoints, before and while one endpoint hangs and one refuses, each with a backlog."""
    for number in range(HEALTHY):
        rig.add_endpoint(f"/h/{number}", events=[f"healthy.{number}"])
    before = _ages(rig, seconds, rate)
    hanging = rig.add_endpoint("/hang", events=["piled.up"], state="paused")
    refusing = rig.add_endpoint("", events=["piled.up"], state="paused", url=f"http://127.0.0.1:{free_port()}/")
    fill(rig, ["piled.up"], count)
    resume(rig, [hanging, refusing])
    during = _ages(rig, seconds, rate)
    waiting = {
        name: rig.api.get(f"/v1/endpoints/{endpoint}/stats")["pending"]
        for name, endpoint in (("hanging", hanging), ("refusing", refusing))
    }
    return {
        "healthy endpoints": HEALTHY,
        "events/s to them": rate,
        "latency before (ms)": before,
        "latency during (ms)": during,
        "ratio": {name: during[name] / before[name] for name in ("p50", "p99", "p99.9")},
        "still waiting": waiting,
    }


def _ages(rig: Rig, seconds: float, rate: float) -> dict[str, float]:
    hand = rig.publish(rate=rate, types=tuple(f"healthy.{number}" for number in range(HEALTHY)))
    time.sleep(3.0)
    rig.receiver.ask("clear")
    before, after = rig.window(hand, 0, seconds)
    arrived = rig.receiver.ask("clear")
    hand.ask("stop")
    hand.end()
    found = figures.spread(ages for path, ages in arrived.ages.items() if path.startswith("/h/"))
    return found | {"strangers' cores": bound.strangers(before, after) / (after.at - before.at)}
