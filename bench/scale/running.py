"""What the whole program does on a step: it starts with a backlog that is due, drains it, delivers what is new beside
all that waits, answers pages of the log; and on PostgreSQL a second node dies.
"""

import time
from collections.abc import Iterator
from statistics import median
from typing import Any, Final

from tests.support.program import until

from bench import figures, machine
from bench.installations import PostgresInstallation
from bench.rig import Rig
from bench.scale import endpoints, shape
from bench.scale.shape import Step
from bench.session import Session
from bench.stream import moment
from reelhook.model import ids

RATE: Final = 200.0
LATENCY_SECONDS: Final = 6.0
IDLE_SECONDS: Final = 12.0
"""Long enough for what is done every ten seconds."""
_TIMES: Final = 11


def drain(rig: Rig, started_at: int) -> dict[str, float]:
    """Wait until all that is due is received: claims from the first to the last."""
    due = shape.BACKLOG + shape.CLAIMED * shape.BATCH
    until(lambda: rig.received_total.value >= due, "what is due has arrived", pause=0.005)
    seen = rig.receiver.ask("read")
    pid = rig.program.pid
    return {
        "first delivery after start (s)": (seen.first - started_at) / 1e9,
        "drained/s": due / ((seen.last - seen.first) / 1e9),
        "memory after the drain (MB)": machine.memory_of(pid) / 1e6,
    }


def idle(rig: Rig) -> dict[str, float]:
    """Let it wait, and see what that costs."""
    until(lambda: not rig.counted("reelhook_attempts_in_flight"), "nothing is under way")
    before = rig.sample(None)
    time.sleep(IDLE_SECONDS)
    after = rig.sample(None)
    span = after.at - before.at
    return {
        f"idle: CPU of the {name} (% of a core)": 100 * used.since(before.cpus[name]).total / span
        for name, used in after.cpus.items()
        if name in ("program", "database")
    }


def latency(rig: Rig) -> dict[str, float]:
    """Publish to one endpoint beside all that waits."""
    hand = rig.publish(rate=RATE, types=(endpoints.HEARS,))
    time.sleep(1.0)
    rig.receiver.ask("clear")
    time.sleep(LATENCY_SECONDS)
    ages = figures.spread(rig.receiver.ask("clear").ages.values())
    hand.ask("stop")
    hand.end()
    return {"publish to received, p50 (ms)": ages["p50"], "publish to received, p99 (ms)": ages["p99"]}


def log_pages(rig: Rig, first_endpoint: int) -> dict[str, float]:
    """Ask for pages of 50, each some times."""
    endpoint = ids.show("ep", first_endpoint + shape.CLAIMED)
    paths = {
        "page of all attempts (ms)": "/v1/logs",
        "page of an endpoint's attempts (ms)": f"/v1/logs?endpoint_id={endpoint}",
        "page of failed attempts (ms)": "/v1/logs?status=failed",
        "page of deliveries that retry (ms)": "/v1/deliveries?state=retrying",
        "figures of an endpoint (ms)": f"/v1/endpoints/{endpoint}/stats",
    }
    return {name: median(_asked(rig, path)) for name, path in paths.items()}


def _asked(rig: Rig, path: str) -> Iterator[float]:
    for _ in range(_TIMES):
        began = time.perf_counter()
        rig.api.get(path)
        yield (time.perf_counter() - began) * 1000


def memory(rig: Rig) -> dict[str, float]:
    """Say what the program holds now, and held at most."""
    pid = rig.program.pid
    return {
        "memory in the end (MB)": machine.memory_of(pid) / 1e6,
        "memory at most (MB)": machine.peak_memory_of(pid) / 1e6,
    }


def take_over(rig: Rig, step: Step) -> dict[str, Any]:
    """Kill a second node; publish to many endpoints, half of which were its own, and wait until all have it."""
    installation = rig.installation
    if not isinstance(installation, PostgresInstallation):
        return {}
    with Session(installation.url) as session:
        first = session.value("SELECT min(node) FROM shards")
        second = rig.start_node()
        installation.wait_for_shares(2)
        before = rig.received_total.value
        second.kill()
        died_at = moment()
        left = session.value(
            "SELECT extract(epoch FROM max(lease_until) - now())::float8 FROM shards WHERE node <> $1", first
        )
    rig.api.post("/v1/events", {"type": endpoints.TAKEN_OVER, "data": {}})
    hearing = min(endpoints.MOST_TAKEN_OVER, step.endpoints - 1 - shape.CLAIMED - shape.DRAINED)
    until(lambda: rig.received_total.value - before >= hearing, "all endpoints are served", pause=0.005)
    took = (rig.receiver.ask("read").last - died_at) / 1e9
    return {"taken over after the end of the lease (s)": took - left}
