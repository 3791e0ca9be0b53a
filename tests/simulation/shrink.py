"""Shrinks the engine's constants for one run, so that a small world reaches the edges that a large one has."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from reelhook.store import expire, moving, pending, prune, rescuing
from reelhook.worker import memory, permits, tasks

_SIZES: Final[tuple[tuple[Any, str, tuple[int, ...]], ...]] = (
    (pending, "_LARGEST_BATCH", (1, 3, 8)),
    (rescuing, "_CHUNK", (1, 2, 5)),
    (permits, "_MOST_UNRECORDED", (1, 3, 10)),
    (memory, "_SMALLEST_CLAIM", (1, 100)),
    (tasks, "LARGEST_STEP", (1, 2, 4)),
    (moving, "BUDGET", (2, 5)),
    (expire, "_SEARCH", (1, 4)),
    (prune, "_SEARCH", (1, 4)),
)


@contextmanager
def shrunk(dice: random.Random) -> Iterator[dict[str, int]]:
    """Give each constant one of its small values in half of the worlds; put the real ones back at the end."""
    chosen = {(module, name): dice.choice(values) for module, name, values in _SIZES if dice.random() < 0.5}
    before = {place: getattr(*place) for place in chosen}
    try:
        for (module, name), value in chosen.items():
            setattr(module, name, value)
        yield {name: value for (_, name), value in chosen.items()}
    finally:
        for (module, name), value in before.items():
            setattr(module, name, value)
