"""The plan of one world of several nodes, drawn from its seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.simulation import network, plan
from tests.simulation.plan import BLOWS, EPOCH, Moods, Plan

from reelhook.worker.keeper import Lease

_CLOCKS: Final = (-120_000, 120_000, -5000, 5000, 0)
_MOODS: Final[Moods] = (
    *plan.MOODS,
    # What is under way for long meets the end of more leases.
    (network.SLOW, 5),
    (network.HANGING, 4),
)
TAKES: Final = "takes shards"
"""The step of a node that was given shards, and does not know it yet."""
_BROKEN: Final = ("before", "after", "after", "within")
Happens = tuple[int, str, Any]


@dataclass
class NodesPlan(Plan):
    """`nodes` are the times (true ms) at which machines begin to run the program. In the environment a value begins
    with the number of the machine that it befalls; None befalls all. At `visits` (ms after the beginning) owners act
    besides.
    """

    nodes: tuple[int, ...] = ()
    lease: Lease = field(default_factory=Lease)
    visits: tuple[int, ...] = ()


def draw(seed: int) -> NodesPlan:
    """Draw a world."""
    chance = dice(seed, "plan")
    span = 1000 * chance.randint(6, 30)
    apps = [f"app{number}" for number in range(chance.randint(1, 2))]
    endpoints = [
        plan.new_endpoint(chance, chance.choice(apps), number, long=False) for number in range(chance.randint(2, 6))
    ]
    count = chance.choice((2, 2, 2, 3))
    hosts = [plan.host_of(each) for each in endpoints]
    stuns = _stuns(dice(seed, "stuns"), span, count)
    absence, visits = _absence(dice(seed, "absence"), span, count)
    return NodesPlan(
        seed=seed,
        span=span,
        long=False,
        seldom=False,
        limits=plan.limits(dice(seed, "limits")),
        slowest_commit=chance.choice((0.02, 0.3, 1.5)),
        apps=apps,
        endpoints=endpoints,
        receivers={host: plan.receiver(f"nodes {seed}", host, span, _MOODS) for host in hosts},
        publishes=plan.publishes(chance, apps),
        busy=0.01 * span / 1000,
        interventions=chance.choice((0, 6, 12)),
        environment=sorted((*_environment(chance, span, count), *stuns, *absence), key=str),
        nodes=tuple(
            EPOCH + (chance.choice((0, 0, chance.randint(0, span))) if number else 0) for number in range(count)
        ),
        lease=Lease(chance.choice((3.0, 3.0, 3.0, 6.0, 15.0)), chance.choice((1.0, 60.0))),
        visits=visits,
    )


def dice(seed: int, what: str) -> random.Random:
    """Return a stream of chance of its own."""
    return plan.dice(f"nodes {seed}", what)


def _environment(chance: random.Random, span: int, count: int) -> Iterator[Happens]:
    """Draw what befalls the nodes, and the database that they share."""

    def some(*counts: int) -> Iterator[tuple[int, int]]:
        for _ in range(chance.choice(counts)):
            yield EPOCH + chance.randint(1, span), chance.randrange(count)

    blows, weights = zip(*BLOWS, strict=True)
    for at, machine in some(0, 1, 1, 2):
        yield at, "crash", (machine, chance.choices(blows, weights)[0], chance.choice((0.01, 1.0, 8.0, 25.0)))
    for at, machine in some(0, 0, 1, 2):
        yield at, "stop", (machine, chance.choice((0.01, 2.0, 20.0)))
    for at, machine in some(0, 0, 1, 2):
        yield at, "pause", (machine, chance.choice((0.2, 2.5, 4.0, 7.0, 14.5, 20.0)))
    for at, machine in some(0, 1, 2, 3):
        yield at, "cut", (machine, chance.random() < 0.5)
        yield at + chance.choice((200, 2000, 5000, 9000, 15_000, 20_000)), "mend", (machine,)
    for at, machine in some(0, 1, 2, 4):
        yield at, "break", (machine, chance.choice(_BROKEN), chance.random() < 0.25)
    for at, _ in some(0, 0, 0, 0, 1):
        yield at, "cut", (None, False)
        yield at + chance.choice((300, 3000, 10_000)), "mend", (None,)
    for at, machine in some(0, 0, 0, 1, 2):
        yield at, "clock", (machine, chance.choice(_CLOCKS))


def _stuns(chance: random.Random, span: int, count: int) -> Iterator[Happens]:
    """Draw pauses that fall where they hurt: just after a certain step, and mostly for longer than the lease."""
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        at, machine = EPOCH + chance.choice((1, chance.randint(1, span))), chance.randrange(count)
        step = chance.choice((TAKES, TAKES, "ended", "before the commit"))
        yield at, "stun", (machine, step, chance.choice((0.0, 0.003, 0.01)), chance.choice((4.0, 7.0, 20.0)))


def _absence(chance: random.Random, span: int, count: int) -> tuple[list[Happens], tuple[int, ...]]:
    """Draw, now and then, a node that is cut off until all others stop, and when owners act meanwhile: it takes over
    at once, and must learn first what they changed.
    """
    if chance.random() > 0.2:
        return [], ()
    at, away, lasts = chance.randint(1, span), chance.randrange(count), chance.choice((5000, 9000, 16_000))
    visits = tuple(chance.randint(at, at + lasts - 2500) for _ in range(chance.choice((0, 6))))
    events: list[Happens] = [(EPOCH + at, "cut", (away, False)), (EPOCH + at + lasts, "mend", (away,))]
    for other in set(range(count)) - {away}:
        stops = EPOCH + at + lasts - chance.choice((300, 1000, 2500))
        events.append((stops, "stop", (other, 20.0)))
    return events, visits
