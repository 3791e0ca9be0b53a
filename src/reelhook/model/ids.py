"""Ids: 63-bit integers ordered by time inside, prefixed hexadecimal text outside.

An id is 41 bits of milliseconds since 2024, 7 bits of node and 15 bits of sequence, so that rows that are made
together lie together and an id alone tells when its thing was made. Outside it is written `evt_018f3c…`: the prefix
says the kind, the 16 hexadecimal digits sort like the numbers, and there is no `.` (Standard Webhooks forbids it).
"""

import re
from typing import Final

EPOCH_MS: Final = 1_704_067_200_000
NODE_BITS: Final = 7
SEQUENCE_BITS: Final = 15
_SHIFT: Final = NODE_BITS + SEQUENCE_BITS
BLOCK: Final = 1 << SEQUENCE_BITS
"""The largest number of ids that one call can take in a row."""
_LARGEST: Final = (1 << 63) - 1

_ID = re.compile(r"[0-9a-f]{16}\Z")


class IdSource:
    """Makes ids that only grow, for one node of the installation."""

    def __init__(self, node: int = 0) -> None:
        if not 0 <= node < 1 << NODE_BITS:
            raise ValueError(f"a node number is 0 to {(1 << NODE_BITS) - 1}, not {node}")
        self._node = node << SEQUENCE_BITS
        self._millisecond = 0
        self._sequence = 0

    def renumber(self, node: int) -> None:
        """Make ids under another node number from now on: somebody else has the one before."""
        if node << SEQUENCE_BITS != self._node:
            self._node = node << SEQUENCE_BITS
            self._millisecond, self._sequence = self._millisecond + 1, 0

    def resume(self, last: int) -> None:
        """Make only larger ids than `last`, which an earlier process made; its clock may have been ahead of ours."""
        millisecond = (last >> _SHIFT) + 1
        if millisecond > self._millisecond:
            self._millisecond, self._sequence = millisecond, 0

    def take(self, now: int, count: int = 1) -> int:
        """Return the first of `count` consecutive ids; `now` is wall time in milliseconds.

        A clock that steps back does not lead to smaller ids: the source then runs ahead of the clock until the clock
        has caught up.
        """
        millisecond = now - EPOCH_MS
        if millisecond > self._millisecond:
            self._millisecond, self._sequence = millisecond, 0
        if self._sequence + count > BLOCK:
            if count > BLOCK:
                raise ValueError(f"at most {BLOCK} ids at once, not {count}")
            self._millisecond, self._sequence = self._millisecond + 1, 0
        first = (self._millisecond << _SHIFT) | self._node | self._sequence
        self._sequence += count
        return first


def id_at(millisecond: int) -> int:
    """Return the smallest id that can have been made at this wall time (ms): the bound for a query by time.

    A time before or after all ids that there can be (2024 to 2093) gives the smallest or the largest.
    """
    return min(max(0, millisecond - EPOCH_MS) << _SHIFT, _LARGEST)


def time_of(number: int) -> int:
    """Return the wall time (ms) at which an id was made."""
    return (number >> _SHIFT) + EPOCH_MS


def show(prefix: str, number: int) -> str:
    """Write an id for the world: `show("evt", 5)` is `evt_0000000000000005`."""
    return "%s_%016x" % (prefix, number)  # noqa: UP031 - compiled, a format within a string costs three times as much


def read(prefix: str, text: str) -> int | None:
    """Read an id of this kind; None when the text is not one (then nothing with it exists)."""
    kind, _, digits = text.partition("_")
    if kind != prefix or not _ID.match(digits):
        return None
    number = int(digits, 16)
    return number if number <= _LARGEST else None
