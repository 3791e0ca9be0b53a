"""The processes that share a database."""

from collections.abc import Collection, Mapping
from typing import Protocol

import msgspec


class Holding(msgspec.Struct, frozen=True):
    """What this node has: the number that goes into its ids, the epoch of each shard that is leased to it, and which of
    these are more than its fair share; and how many `nodes` there are.
    """

    number: int
    epochs: Mapping[int, int]
    surplus: frozenset[int]
    nodes: int = 1


class Members(Protocol):
    """This node among those that share a database. Every method raises Unavailable while that cannot be reached."""

    async def renew(self, *, takes: bool) -> Holding:
        """Renew all leases; a node that `takes` shards takes what nobody has, up to its fair share, which is nothing
        for one that does not.
        """
        ...

    async def give(self, shards: Collection[int]) -> None:
        """Let others have shards for which nothing is under way here any more."""
        ...

    async def leave(self) -> None:
        """Stop being a member, and let others have all shards at once."""
        ...
