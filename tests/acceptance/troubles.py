"""Troubles for a town of nodes: planned from a seed, then brought upon it one by one, several at a time."""

import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tests.acceptance.town import LEASE_SECONDS
from tests.support.postgres import Cluster
from tests.support.program import Program, until
from tests.support.wall import Wall

POSTGRES = "postgres"
WAYS = ("kill", "kill", "freeze", "cut", "swallow", "stop")
_TICK_SECONDS = 0.05


class Trouble(NamedTuple):
    """One that befalls a node, or PostgreSQL, so long (s) after the start, for so long."""

    at: float
    lasts: float
    whom: str
    how: str

    def __str__(self) -> str:
        return f"{self.at:6.2f} s: {self.whom} {self.how} for {self.lasts:.2f} s"


def plan(seed: int, seconds: float, names: Sequence[str]) -> list[Trouble]:
    """Plan what happens within so many seconds: to each node one thing after the other, to PostgreSQL now and then."""
    chance = random.Random(seed)
    troubles = [trouble for name in names for trouble in _of_node(chance, seconds, name)]
    return sorted([*troubles, *_of_postgres(chance, seconds)])


def _of_node(chance: random.Random, seconds: float, name: str) -> Iterator[Trouble]:
    at = chance.uniform(0.5, 5)
    while at < seconds:
        how = chance.choice(WAYS)
        # Half of them are over before a lease is.
        lasts = chance.choice((chance.uniform(0, LEASE_SECONDS), chance.uniform(LEASE_SECONDS, 2.5 * LEASE_SECONDS)))
        yield Trouble(at, lasts, name, how)
        at += lasts + chance.uniform(0.5, 6)


def _of_postgres(chance: random.Random, seconds: float) -> Iterator[Trouble]:
    at = chance.uniform(2, 8)
    while at < seconds:
        lasts = chance.uniform(0, 2)
        yield Trouble(at, lasts, POSTGRES, "crash")
        at += lasts + chance.uniform(5, 12)


class Victim:
    """A node behind its wall. Whoever watches over it starts it again whenever it has ended and is not to be down."""

    def __init__(self, program: Program, wall: Wall) -> None:
        self.program = program
        self.wall = wall
        self._down = False

    def begin(self, how: str) -> None:
        match how:
            case "kill":
                self._down = True
                self.program.kill()
            case "stop":
                self._down = True
                self._signal(signal.SIGTERM)
            case "freeze":
                self._signal(signal.SIGSTOP)
            case "cut":
                self.wall.cut()
            case "swallow":
                self.wall.freeze()

    def end(self, how: str) -> None:
        match how:
            case "kill" | "stop":
                self._down = False
            case "freeze":
                self._signal(signal.SIGCONT)
            case "cut" | "swallow":
                self.wall.heal()

    def watch(self) -> None:
        if not self._down and not self.program.running():
            self.program.spawn()

    def _signal(self, number: signal.Signals) -> None:
        if self.program.running():
            self.program.signal(number)


def bring(troubles: Sequence[Trouble], victims: dict[str, Victim], postgres: Cluster) -> None:
    """Bring the troubles upon them, each at its time, and return when all are over and every node is ready again."""

    def crash(how: str) -> None:
        postgres.stop(signal.SIGQUIT)

    def recover(how: str) -> None:
        postgres.start()

    steps: list[tuple[float, Callable[[str], None], str]] = []
    for trouble in troubles:
        ours = trouble.whom == POSTGRES
        begin, end = (crash, recover) if ours else (victims[trouble.whom].begin, victims[trouble.whom].end)
        steps += [(trouble.at, begin, trouble.how), (trouble.at + trouble.lasts, end, trouble.how)]
    began = time.monotonic()
    for at, step, how in sorted(steps, key=lambda step: step[0]):
        while time.monotonic() - began < at:
            _watch(victims)
            time.sleep(_TICK_SECONDS)
        step(how)
    until(lambda: _watch(victims), "every node is ready again", pause=0.2)


def _watch(victims: dict[str, Victim]) -> bool:
    for victim in victims.values():
        victim.watch()
    return all(victim.program.readiness() == 200 for victim in victims.values())
