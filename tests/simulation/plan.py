"""The plan of one world, drawn from its seed: who lives there, what they want, and what will befall them."""

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count as count_up
from typing import Any, Final

from tests.simulation import network
from tests.simulation.ledger import Draft, Publish
from tests.simulation.network import Mood, Receiver

from reelhook.model.endpoint import (
    ChangeCondition,
    Conditions,
    Endpoint,
    ExponentialRetry,
    FixedRetry,
    Ordering,
    RateLimit,
    Retry,
    ScheduleRetry,
)
from reelhook.model.secret import Secret
from reelhook.worker.circuit import CircuitRule
from reelhook.worker.limits import Limits

EPOCH: Final = 1_795_242_600_000
TYPES: Final = ("asset.uploaded", "asset.processed", "asset.metadata_changed", "live.started", "own.thing")
SUBSCRIPTIONS: Final = (
    (),
    (),
    ("asset.*",),
    ("category:live", "own.thing"),
    ("asset.metadata_changed", "asset.processed"),
    ("*", "endpoint.disabled", "delivery.exhausted"),
)
APPROVED: Final = Conditions((ChangeCondition(field="metadata.custom.status", to="approved"),))
Moods = tuple[tuple[Mood, float], ...]
MOODS: Final[Moods] = (
    (network.OK, 6),
    (network.SLOW, 2),
    (network.BROKEN, 4),
    (network.REFUSING, 3),
    (network.HANGING, 2),
    (network.RESETTING, 2),
    (network.LOSING, 2),
    (network.CONFUSED, 1),
    (network.REDIRECTING, 1),
    (network.THROTTLING, 1),
    (network.BUSY, 1),
    (network.SLOPPY, 1),
    (network.GONE, 0.4),
)
BLOWS: Final = (
    ("now", 6),
    ("before the commit", 2),
    ("after the commit", 4),
    ("begun", 2),
    ("arrived", 3),
    ("answered", 3),
    ("ended", 3),
)


@dataclass
class Plan:
    """A world before it begins. Times are true ms; the `environment` is (when, what, value).

    A `long` world has hours instead of seconds; in one with `seldom` housekeeping, days pass without a tick.
    """

    seed: int
    span: int
    long: bool
    seldom: bool
    limits: Limits
    slowest_commit: float
    apps: list[str]
    endpoints: list[Endpoint]
    receivers: dict[str, Receiver]
    publishes: list[Publish]
    busy: float
    interventions: int
    environment: list[tuple[int, str, Any]] = field(default_factory=list)


def dice(seed: int | str, what: str) -> random.Random:
    """Return a stream of chance of its own, so that a change in one part of a world leaves the others as they were."""
    return random.Random(f"{seed}/{what}")


def draw(seed: int) -> Plan:
    """Draw a world."""
    chance = dice(seed, "plan")
    long = chance.random() < 0.15
    span = 1000 * (chance.randint(3600, 86_400) if long else chance.randint(10, 90))
    apps = [f"app{number}" for number in range(chance.randint(1, 3))]
    endpoints = [new_endpoint(chance, chance.choice(apps), number, long=long) for number in range(chance.randint(2, 8))]
    environment = _environment(chance, span)
    return Plan(
        seed=seed,
        span=span,
        long=long,
        seldom=long or any(what == "clock" and abs(value) > 60_000 for _, what, value in environment),
        limits=limits(dice(seed, "limits")),
        slowest_commit=chance.choice((0.02, 0.5, 3.0)),
        apps=apps,
        endpoints=endpoints,
        receivers={host_of(each): receiver(seed, host_of(each), span) for each in endpoints},
        publishes=publishes(chance, apps),
        busy=chance.choice((0.0005, 0.01, 0.05)) * span / 1000,
        interventions=chance.choice((0, 5, 10, 20)),
        environment=environment,
    )


def host_of(endpoint: Endpoint) -> str:
    return endpoint.url.split("/")[2]


def new_endpoint(chance: random.Random, app_id: str, number: int, *, long: bool) -> Endpoint:
    """Draw an endpoint; its id is given when it is added."""
    return Endpoint(
        id=0,
        app_id=app_id,
        version=1,
        url=f"https://r{number}.test/hook",
        created_at=EPOCH,
        updated_at=EPOCH,
        name=f"r{number}",
        dialect=chance.choice(("standard",) * 6 + ("cloudevents", "strict", "touchy")),
        events=chance.choice(SUBSCRIPTIONS),
        conditions=APPROVED if chance.random() < 0.15 else Conditions(),
        secret=new_secret(chance),
        retry=new_retry(chance, long=long),
        timeout=chance.choice((1.0, 3.0, 15.0)),
        rate_limit=new_rate(chance),
        concurrency=chance.choice((None, None, 1, 2, 5)),
        ordering=chance.choice((Ordering.NONE, Ordering.NONE, Ordering.ASSET, Ordering.ENDPOINT)),
    )


def new_secret(chance: random.Random) -> Secret:
    return Secret("whsec_" + base64.b64encode(chance.randbytes(24)).decode())


def new_rate(chance: random.Random) -> RateLimit | None:
    return chance.choice((None, None, None, RateLimit(1, 1.0), RateLimit(3, 2.0), RateLimit(5, 10.0)))


def new_retry(chance: random.Random, *, long: bool) -> Retry | None:
    if long and chance.random() < 0.5:
        return None  # the dialect's own: a day and more
    return chance.choice(
        (
            ScheduleRetry((1.0, 2.0, 5.0, 10.0)),
            ScheduleRetry((0.5, 20.0)),
            ScheduleRetry(()),
            FixedRetry(3, 2.0),
            FixedRetry(10, 5.0),
            ExponentialRetry(6, 0.5, 10.0),
        )
    )


def limits(chance: random.Random) -> Limits:
    """Draw limits that are small more often than not: a small world shall reach them."""
    return Limits(
        in_flight=chance.choice((2, 5, 1000)),
        per_app=chance.choice((1, 3, 500)),
        per_endpoint=chance.choice((1, 4, 64)),
        room=chance.choice((1, 2, 8, 1024)),
        in_memory=chance.choice((2, 6, 8192)),
        in_memory_bytes=chance.choice((1, 1000, 1 << 26)),
        congestion=chance.choice((1, 4, 256)),
        circuit=CircuitRule(failures=chance.choice((2, 5, 30)), pause=chance.choice((500, 5000)), longest=20_000),
    )


def receiver(seed: int | str, host: str, span: int, moods: Moods = MOODS) -> Receiver:
    """Draw somebody's server."""
    chance = dice(seed, f"receiver {host}")
    phases: list[tuple[int, Mood]] = []
    at = 0
    while at < span:
        at += round(span * chance.uniform(0.05, 0.6))
        kinds, weights = zip(*moods, strict=True)
        phases.append((EPOCH + min(at, span), chance.choices(kinds, weights)[0]))
    return Receiver(host, chance, phases)


def publishes(chance: random.Random, apps: list[str]) -> list[Publish]:
    """Draw what is published. Apps choose the same ids and keys as their neighbours, each for itself."""
    count = chance.choice((8, 20, 40))
    numbers = {app_id: count_up(1) for app_id in apps}
    return [
        _publish(chance, number, app_id, numbers[app_id]) for number, app_id in enumerate(chance.choices(apps, k=count))
    ]


def _publish(chance: random.Random, number: int, app_id: str, numbers: Iterator[int]) -> Publish:
    batch = chance.random() < 0.2
    drafts = [_draft(chance, f"n{number}.{place}", numbers) for place in range(chance.randint(1, 4) if batch else 1)]
    once = ("7:event", f"key-{next(numbers)}") if chance.random() < 0.35 else None
    return Publish(number, app_id, drafts, batch, once)


def _draft(chance: random.Random, nonce: str, numbers: Iterator[int]) -> Draft:
    kind = chance.choice(TYPES)
    data: dict[str, Any] = {"nonce": nonce, "asset": {"id": chance.choice("abc")}}
    if kind == "asset.metadata_changed":
        data["changes"] = [{"field": "metadata.custom.status", "to": chance.choice(("approved", "rejected"))}]
    own_id = f"own-{next(numbers)}" if chance.random() < 0.3 else None
    return Draft(nonce, kind, data, own_id, chance.choice((None, None, None, "lane")))


def _environment(chance: random.Random, span: int) -> list[tuple[int, str, Any]]:
    """Draw crashes, restarts, wrong clocks and full disks."""
    events: list[tuple[int, str, Any]] = []
    for _ in range(chance.choice((0, 0, 1, 2, 4))):
        blows, weights = zip(*BLOWS, strict=True)
        at = chance.randint(1, span)
        # Several in a row: the process dies again as soon as it is up.
        events.extend(
            (at + place * 40, "crash", chance.choices(blows, weights)[0])
            for place in range(chance.choice((1, 1, 1, 3, 7)))
        )
    events += [(chance.randint(1, span), "restart", None) for _ in range(chance.choice((0, 0, 1, 2)))]
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        at = chance.randint(1, span)
        events += [(at, "disk full", True), (at + chance.randint(10, 60_000), "disk full", False)]
    if chance.random() < 0.1:
        events.append((chance.randint(1, span), "disk breaks", chance.choice(("before", "after"))))
    for _ in range(chance.choice((0, 0, 1, 3))):
        events.append((chance.randint(1, span), "clock", chance.choice((-3_600_000, 3_600_000, -5000, 5000, 0))))
    return sorted(((EPOCH + at, what, value) for at, what, value in events), key=lambda event: event[0])
