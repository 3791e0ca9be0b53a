"""Shards: every endpoint belongs to one of 256, and every shard to one node at a time, which alone sends for it."""

from typing import Final
from zlib import crc32

SHARDS: Final = 256
EVERY_SHARD: Final = frozenset(range(SHARDS))
_MIX: Final = 1_000_003
_SPREAD: Final = 7919
SPAN: Final = 2 * SHARDS
"""Among so many ids in a row every shard has one, wherever the row begins."""


def shard_of(endpoint_id: int) -> int:
    """Return the shard of an endpoint: the same in SQL, `(endpoint_id % 1000003 * 7919 % 256)`."""
    return endpoint_id % _MIX * _SPREAD % SHARDS


def shard_of_name(name: str) -> int:
    """Return a shard for what has no number: an app whose endpoints belong together."""
    return crc32(name.encode()) % SHARDS


def first_in(shard: int, first: int) -> int:
    """Return the first number from `first` on that lies in a shard; it is less than `first + SPAN`."""
    return next(number for number in range(first, first + SPAN) if shard_of(number) == shard)
