"""Names to addresses with c-ares: no thread pool that dead names could fill, a limit of time, and answers kept briefly.

The loop's own getaddrinfo runs in a handful of threads, so that two dead names stall everybody's look-ups.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import Final, Protocol

import aiodns
import msgspec
import pycares

from reelhook.model.address import Address
from reelhook.model.attempt import Failure
from reelhook.transport.failures import DialFailed

LOOK_UP_SECONDS: Final = 5.0
SHORTEST_LIFE: Final = 1.0
LONGEST_LIFE: Final = 60.0
"""Bounds (s) on how long an answer is kept, whatever its time to live says."""

_UNKNOWN_LIFE: Final = 5.0
_TROUBLE_LIFE: Final = 2.0
_MOST_NAMES: Final = 10_000
_UNKNOWN: Final = frozenset({pycares.errno.ARES_ENOTFOUND, pycares.errno.ARES_ENODATA, pycares.errno.ARES_EBADNAME})


class Found(msgspec.Struct, frozen=True):
    """What a name resolves to, in the order to try; `ttl` is seconds."""

    addresses: Sequence[Address]
    ttl: float


class Lookup(Protocol):
    """Asks for a name's addresses once, without keeping anything."""

    async def find(self, host: str) -> Found:
        """Return the addresses; DialFailed when there are none or nobody answers."""
        ...

    async def close(self) -> None:
        """Give back its sockets and threads."""
        ...


class CaresLookup:
    """Implements `Lookup` with c-ares: /etc/hosts, then the servers of /etc/resolv.conf (or `nameservers`)."""

    def __init__(self, nameservers: Sequence[str] | None = None) -> None:
        self._nameservers = nameservers
        self._resolver: aiodns.DNSResolver | None = None

    async def find(self, host: str) -> Found:
        """Ask for IPv4 and IPv6 addresses at once, sorted by what this machine can reach (RFC 6724)."""
        if self._resolver is None:  # Made here because it belongs to the running loop.
            self._resolver = aiodns.DNSResolver(self._nameservers, timeout=2.0, tries=2)
        try:
            answer = await self._resolver.getaddrinfo(host)
        except aiodns.error.DNSError as error:
            raise _failure(host, error.args[0] if error.args else 0) from error
        nodes = answer.nodes
        if not nodes:
            raise _failure(host, pycares.errno.ARES_ENODATA)
        addresses = tuple(dict.fromkeys(ip_address(node.addr[0].decode("ascii")) for node in nodes))
        return Found(addresses, min(node.ttl for node in nodes))

    async def close(self) -> None:
        """Stop c-ares."""
        if self._resolver is not None:
            await self._resolver.close()


class _Refusal(msgspec.Struct, frozen=True):
    failure: Failure
    detail: str


class _Kept(msgspec.Struct, frozen=True):
    outcome: Sequence[Address] | _Refusal
    until: float


class Names:
    """Keeps answers and refusals for a short while, and has at most one look-up under way for each name (its queries
    for IPv4 and IPv6 addresses), so that no endpoint with a dead name takes more than that.
    """

    def __init__(
        self, lookup: Lookup, *, now: Callable[[], float] = time.monotonic, seconds: float = LOOK_UP_SECONDS
    ) -> None:
        self._lookup = lookup
        self._now = now
        self._seconds = seconds
        self._kept: dict[str, _Kept] = {}
        self._under_way: dict[str, asyncio.Task[_Kept]] = {}
        self._closing = False

    async def resolve(self, host: str) -> Sequence[Address]:
        """Return the addresses of a name; DialFailed when there are none or nobody answers in time."""
        kept = self._kept.get(host)
        if kept is None or kept.until <= self._now():
            kept = await self._join(host)
        if isinstance(kept.outcome, _Refusal):
            raise DialFailed(kept.outcome.failure, kept.outcome.detail)
        return kept.outcome

    async def close(self) -> None:
        """End all look-ups; who waits for one gets a failure."""
        self._closing = True
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)
        await self._lookup.close()

    def _join(self, host: str) -> Awaitable[_Kept]:
        """Wait for the look-up under way, or begin one; it goes on when one of those who wait gives up."""
        task = self._under_way.get(host)
        if task is None:
            task = self._under_way[host] = asyncio.create_task(self._ask(host))
        return asyncio.shield(task)

    async def _ask(self, host: str) -> _Kept:
        try:
            kept = await self._bounded(host)
        finally:
            del self._under_way[host]
        self._kept.pop(host, None)
        self._kept[host] = kept
        if len(self._kept) > _MOST_NAMES:
            del self._kept[next(iter(self._kept))]
        return kept

    async def _bounded(self, host: str) -> _Kept:
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._lookup.find(host)
        except DialFailed as failed:
            life = _UNKNOWN_LIFE if failed.failure is Failure.DNS_UNKNOWN else _TROUBLE_LIFE
            return self._keep(_Refusal(failed.failure, failed.detail), life)
        except TimeoutError:
            detail = f"Looking up the name {host} took longer than {self._seconds:g} s."
            return self._keep(_Refusal(Failure.DNS_TEMPORARY, detail), _TROUBLE_LIFE)
        except asyncio.CancelledError:
            if not self._closing:
                raise
            return self._keep(_Refusal(Failure.INTERRUPTED, "Reelhook was stopping."), 0)
        return self._keep(found.addresses, min(max(found.ttl, SHORTEST_LIFE), LONGEST_LIFE))

    def _keep(self, outcome: Sequence[Address] | _Refusal, life: float) -> _Kept:
        return _Kept(outcome, self._now() + life)


def _failure(host: str, code: int) -> DialFailed:
    if code in _UNKNOWN:
        return DialFailed(Failure.DNS_UNKNOWN, f"The name {host} does not exist or has no address.")
    word = pycares.errno.errorcode.get(code, "unknown").removeprefix("ARES_E").lower()
    return DialFailed(Failure.DNS_TEMPORARY, f"The name {host} cannot be looked up at the moment (DNS: {word}).")
