"""The ledger: what people outside know for certain, because they did it, saw it or were told.

The checker compares it with what the store says. Moments are places in the trace.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reelhook.model.endpoint import Endpoint


@dataclass
class Draft:
    """An event that somebody wants to publish; its `nonce` is in its data, and tells it from every other."""

    nonce: str
    type: str
    data: dict[str, Any]
    id: str | None = None
    ordering_key: str | None = None


@dataclass
class Ask:
    """One time that a publisher asked: what was answered (`receipts`), or why not (`error`), or nothing (`ended` is
    None: the process died, or the caller hung up).
    """

    begun: int
    life: int
    ended: int | None = None
    receipts: tuple[dict[str, Any], ...] | None = None
    error: str | None = None


@dataclass
class Publish:
    """A publish with all the times that it was asked for."""

    number: int
    app_id: str
    drafts: list[Draft]
    batch: bool
    once: tuple[str, str] | None = None
    asks: list[Ask] = field(default_factory=list)

    @property
    def repeatable(self) -> bool:
        """Tell whether it may be asked again: it happens once however often it is."""
        return self.once is not None or all(draft.id is not None for draft in self.drafts)

    def answered(self) -> list[Ask]:
        return [ask for ask in self.asks if ask.receipts is not None]


@dataclass
class Version:
    """A version of an endpoint as its owner wanted it: `asked` for, `settled` once it was answered. Void: it was not
    taken. Under way: it will be answered, unless the process dies.
    """

    endpoint: Endpoint
    asked: int
    settled: int | None = None
    void: bool = False
    under_way: bool = False


@dataclass
class History:
    """The life of one endpoint as its owner knows it."""

    versions: list[Version]
    removal_asked: int | None = None
    removal_settled: int | None = None
    leaving: bool = False
    """Its removal will be answered, unless the process dies."""

    @property
    def id(self) -> int:
        return self.versions[0].endpoint.id

    @property
    def app_id(self) -> str:
        return self.versions[0].endpoint.app_id

    def possible(self, begin: int, end: int) -> list[Version]:
        """Return the versions of which one was in force at some moment between two; none: it was not there then."""
        if self.removal_settled is not None and self.removal_settled <= begin:
            return []
        found: list[Version] = []
        for version in self.versions:
            if version.void or version.asked > end:
                continue
            if version.settled is not None and version.settled <= begin:
                found.clear()
            found.append(version)
        return found

    def certain(self, begin: int, end: int) -> bool:
        """Tell whether the endpoint was there all the time between two moments."""
        there = any(one.settled is not None and one.settled <= begin for one in self.versions if not one.void)
        return there and (self.removal_asked is None or self.removal_asked > end)


@dataclass
class Order:
    """Something that an operator asked for about one delivery or many: resend, cancel, recover, replay."""

    kind: str
    asked: int
    life: int
    app_id: str
    delivery_id: int | None = None
    task_id: int | None = None
    selection: Any = None
    settled: int | None = None
    error: str | None = None


@dataclass
class Exchange:
    """One request as the network saw it. `status` and `failure` are what our side was told; `arrived` is set where the
    receiver got the request whole, `answer` is the status that the receiver believes it gave.
    """

    number: int
    life: int
    host: str
    path: str
    headers: dict[str, str]
    body: bytes
    begun: int
    begun_at: int
    wall: int
    arrived: int | None = None
    answer: int | None = None
    ended: int | None = None
    ended_at: int | None = None
    status: int | None = None
    failure: str | None = None
    retry_after: float | None = None
    cut: int | None = None
    """When our side gave it up in the middle: its node lost the endpoint, or died."""

    @property
    def message_id(self) -> str:
        return self.headers.get("webhook-id", "")


class Tenures(NamedTuple):
    """Whose the shards were from a moment on, as the database said: (life, until which true ms, shards with epochs)."""

    moment: int
    owners: tuple[tuple[int, float, dict[int, int]], ...]


@dataclass
class Ledger:
    """All of it."""

    publishes: list[Publish] = field(default_factory=list)
    endpoints: dict[int, History] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    first_ids: list[int] = field(default_factory=list)
    """The first id that each life of the process took: ids only grow, so they tell in which life a row was made."""
    lives: int = 0
    """How many lives of nodes there were; of one process the births in the trace tell."""
    ends: dict[int, int] = field(default_factory=dict)
    """When these lives were over."""
    numbers: list[tuple[int, int, int]] = field(default_factory=list)
    """Which node number a life had, from which id on: (number, first id, life)."""
    pauses: list[tuple[int, int, int]] = field(default_factory=list)
    """Which lives were paused, from when on, and until when (true ms)."""
    skewed: set[int] = field(default_factory=set)
    """Which lives of nodes had a wrong clock at some time."""
    tenures: list[Tenures] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """What must never happen and was seen while the world ran: faults nobody took care of, errors in the log."""

    def present(self) -> list[History]:
        """Return the endpoints that were made, and that nobody has asked to delete."""
        there = self.endpoints.values()
        return [one for one in there if one.removal_asked is None and not one.versions[0].void]
