"""What a route is given and what it gives back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

import msgspec

from reelhook.api.services import Services
from reelhook.errors import NotFound
from reelhook.model import ids
from reelhook.model.access import Caller
from reelhook.model.audit import AuditEntry
from reelhook.ports import SealedAnswer

T = TypeVar("T")


class Turns:
    """Locks by name, so that two changes of one thing come one after the other; a lock nobody holds is forgotten."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def of(self, name: Hashable) -> asyncio.Lock:
        """Return the lock of this name: `async with turns.of(...)`."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock


def _keep_nothing(_answer: Any) -> None:
    """Seal no answer: the request has no `Idempotency-Key`."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was read and allowed. Everything it reads or changes is scoped by `app_id`.

    `kept` takes what the route will return and seals it for the commit of the change that it tells of, where the
    request has an `Idempotency-Key`.
    """

    services: Services
    turns: Turns
    caller: Caller
    method: str
    path: str
    parts: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    kept: Callable[[Any], SealedAnswer | None] = _keep_nothing

    @property
    def app_id(self) -> str:
        """The app that the caller acts on."""
        return self.caller.app_id

    def id(self, prefix: str, what: str) -> int:
        """Read `{id}` of the path; NotFound when it cannot be the id of such a thing."""
        number = ids.read(prefix, self.parts["id"])
        if number is None:
            raise absent(what)
        return number

    def new_id(self, count: int = 1) -> int:
        """Take a fresh id, or the first of so many in a row."""
        return self.services.ids.take(self.services.clock.wall(), count)

    def entry(
        self, action: str, target: str, change: dict[str, Any] | None = None, app_id: str | None = None
    ) -> AuditEntry:
        """Write the audit entry of a change; `change` must hold no secret."""
        actor = ids.show("tok", self.caller.token_id)
        now = self.services.clock.wall()
        return AuditEntry(self.new_id(), app_id or self.app_id, now, actor, action, target, change or {})


class Answer(msgspec.Struct, Generic[T], frozen=True):
    """A document with a status other than the route's own, or with headers."""

    document: T
    status: int | None = None
    headers: dict[str, str] = {}


class Text(msgspec.Struct, frozen=True):
    """An answer that is written already."""

    content: bytes
    media_type: str = "application/json"
    status: int | None = None
    headers: dict[str, str] = {}


class Stream(msgspec.Struct, frozen=True):
    """An answer that is written as it is read from the store."""

    chunks: AsyncIterator[bytes]
    media_type: str
    headers: dict[str, str] = {}


def absent(what: str) -> NotFound:
    """Say that a thing does not exist; to the caller another app's does not."""
    return NotFound(f"there is no such {what}")


def found(thing: T | None, what: str) -> T:
    """Return the thing, or say that it does not exist."""
    if thing is None:
        raise absent(what)
    return thing
