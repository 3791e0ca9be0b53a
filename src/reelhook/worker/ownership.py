"""Ownership: which shards this node may send for, and until when. Pure: times are ms of the scheduling clock.

A lease is counted from the moment when it was asked for; the database counts it from when it answered, which is later.
So this node has stopped before anybody else may begin, whatever became of the answer. `until` is when nothing begins
any more, `ends` when what is under way is cut off; both are the same for all shards, which are renewed together.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple, Protocol

from reelhook.model.shard import SHARDS, shard_of
from reelhook.worker.lanes import NEVER


class Ownership(Protocol):
    """What the dispatcher asks before it begins anything."""

    @property
    def until(self) -> int:
        """When nothing may begin any more, unless the lease is renewed before."""
        ...

    @property
    def served(self) -> Collection[int] | None:
        """The shards that this node sends for; None when it sends for all."""
        ...

    def owns(self, endpoint_id: int) -> bool:
        """Tell whether this node sends for an endpoint now."""
        ...


class EverythingIsOurs:
    """The ownership of a process that is alone on its database."""

    until: Final = NEVER
    served: Final = None

    def owns(self, endpoint_id: int) -> bool:  # noqa: ARG002
        """Tell whether this node sends for an endpoint: for every one."""
        return True


class Turnover(NamedTuple):
    """What a renewal changed."""

    gained: frozenset[int]
    lost: frozenset[int]


class LeasedShards:
    """The shards that are leased to this node. One is `served` once what its last owner left behind is rescued, and
    until it is to be given away.
    """

    def __init__(self, lease: int, margin: int, last: int) -> None:
        self._lease = lease
        self._margin = margin
        self._last = last
        self._epochs: dict[int, int] = {}
        self._served = bytearray(SHARDS)
        self.until = 0
        self.ends = 0

    def owns(self, endpoint_id: int) -> bool:
        """Tell whether this node sends for an endpoint now."""
        return self._served[shard_of(endpoint_id)] == 1

    @property
    def held(self) -> frozenset[int]:
        """The shards that are leased to this node."""
        return frozenset(self._epochs)

    @property
    def served(self) -> frozenset[int]:
        """The shards that this node sends for."""
        return frozenset(shard for shard, is_served in enumerate(self._served) if is_served)

    def epochs(self, shards: Iterable[int]) -> dict[int, int]:
        """Return under which epochs these shards are ours, as far as they are."""
        return {shard: self._epochs[shard] for shard in shards if shard in self._epochs}

    def renewed(self, epochs: Mapping[int, int], asked_at: int) -> Turnover:
        """Take over what a renewal that was asked for at `asked_at` answered: the epochs of all shards that are ours.

        A shard whose epoch is another one had another owner in between: it is lost, and gained.
        """
        before = self._epochs
        lost = frozenset(shard for shard, epoch in before.items() if epochs.get(shard) != epoch)
        gained = frozenset(shard for shard, epoch in epochs.items() if before.get(shard) != epoch)
        self._epochs = dict(epochs)
        self.rest(lost)
        self.until = asked_at + self._lease - self._margin
        self.ends = asked_at + self._lease - self._last
        return Turnover(gained, lost)

    def serve(self, shards: Iterable[int]) -> None:
        """Begin to send for shards that are ours."""
        for shard in shards:
            if shard in self._epochs:
                self._served[shard] = 1

    def rest(self, shards: Iterable[int]) -> None:
        """Send no more for shards, which may be ours still."""
        for shard in shards:
            self._served[shard] = 0

    def give(self, shards: Collection[int]) -> None:
        """Let go of shards."""
        self.rest(shards)
        for shard in shards:
            self._epochs.pop(shard, None)

    def expired(self, now: int) -> frozenset[int]:
        """Let go of everything whose lease has lapsed; return what that was."""
        if now < self.ends:
            return frozenset()
        lost = self.held
        self.give(lost)
        return lost
