"""Lies: faults planted into the engine or the store on purpose. The invariant that forbids one must find it."""

from collections.abc import Callable
from itertools import count
from types import ModuleType
from typing import Any, NamedTuple

import pytest

Plant = Callable[[pytest.MonkeyPatch], None]


class Lie(NamedTuple):
    """A fault, the invariant that it breaks, and worlds that are known to bring it to light."""

    invariant: str
    plant: Plant
    known: tuple[int, ...]

    def __str__(self) -> str:
        return self.plant.__name__


def breaks(invariant: str, *known: int) -> Callable[[Plant], Lie]:
    """Make a lie of a function that plants it."""
    return lambda plant: Lie(invariant, plant, known)


def lies_of(module: ModuleType) -> list[Lie]:
    """Return the lies that a module holds."""
    return [value for value in vars(module).values() if isinstance(value, Lie)]


def every(turns: int) -> Callable[[], bool]:
    """Return what is true each so many times that it is asked: a fault that always comes would be no art to find."""
    asked = count(1)
    return lambda: next(asked) % turns == 0


def wrapped(patch: pytest.MonkeyPatch, where: Any, name: str, around: Callable[..., Any]) -> None:
    """Put `around(honest, *args)` in the place of a function or method."""
    honest = getattr(where, name)
    patch.setattr(where, name, lambda *args, **options: around(honest, *args, **options))
