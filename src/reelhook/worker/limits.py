"""Limits of the dispatcher, who hears of what it does, and what it knows of other processes."""

from collections.abc import Callable, Collection

import msgspec

from reelhook.ports import Delivered, History
from reelhook.worker.circuit import CircuitRule
from reelhook.worker.ownership import EverythingIsOurs, Ownership


class Limits(msgspec.Struct, frozen=True):
    """How much may happen at once: attempts in all, for each app, for each endpoint; and how much is kept in memory.

    Of events at most 64 MiB: as much as `in_memory` deliveries of 8 KiB, which most are far below. Sending copies a
    body once or twice, so a process stays below some hundred MiB whatever its events are.
    """

    in_flight: int = 1000
    per_app: int = 500
    per_endpoint: int = 64
    room: int = 1024
    in_memory: int = 8192
    in_memory_bytes: int = 64 << 20
    congestion: int = 256
    circuit: CircuitRule = CircuitRule(failures=30, pause=5000, longest=60_000)


class Observer(msgspec.Struct, frozen=True):
    """Who hears of what happens: each is called in the loop and must return at once."""

    recorded: Callable[[Delivered], None]
    disable: Callable[[Delivered], None]
    circuit_opened: Callable[[int], None]


def tell_nobody(_endpoint_ids: Collection[int]) -> None:
    """Tell nobody of what is due elsewhere: there is no other process, or none that hears."""


class Others(msgspec.Struct, frozen=True):
    """The processes beside this one, and before it: who sends for which endpoints, who is told when something waits
    that is not ours to send, and what was sent lately by whom. `failing` names endpoints whose last attempts failed.
    """

    ownership: Ownership = EverythingIsOurs()
    hint: Callable[[Collection[int]], None] = tell_nobody
    history: History | None = None
    failing: Callable[[int], bool] = lambda _endpoint_id: False
