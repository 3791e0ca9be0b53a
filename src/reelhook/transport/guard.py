"""The guard against server-side request forgery, asked about the very address that is about to be connected to."""

import socket
from collections.abc import Collection, Sequence
from ipaddress import ip_address
from typing import Final

from reelhook.model.address import Address, Network, allowed, inside, unmap

OwnAddresses = Collection[tuple[str, int]]
"""Where this program listens, as (address, port); `0.0.0.0` and `::` stand for every address of the machine."""

_ANY: Final = ("0.0.0.0", "::")  # noqa: S104 - compared with, never bound to


class Guard:
    """Knows which addresses may be connected to.

    `exceptions` are the operator's networks. `own` is looked at whenever something is connected to, so that it may be
    filled after the start; no exception reaches over it, because a program that posts to itself never stops.
    """

    def __init__(self, exceptions: Sequence[Network] = (), own: OwnAddresses = ()) -> None:
        self._exceptions = exceptions
        self._own = own

    def permits(self, address: Address, port: int, *, only_exceptions: bool = False) -> bool:
        """Tell whether to connect; with `only_exceptions` only to what the operator named."""
        plain = unmap(address)
        good = inside(plain, self._exceptions) if only_exceptions else allowed(plain, self._exceptions)
        return good and not self._is_own(plain, port)

    def _is_own(self, address: Address, port: int) -> bool:
        return any(
            port == own_port and (is_this_machine(address) if own in _ANY else address == unmap(ip_address(own)))
            for own, own_port in self._own
        )


def is_this_machine(address: Address) -> bool:
    """Tell whether packets to an address stay on this machine: then the kernel would send them from that address.

    Asks the kernel for the route with a datagram socket that sends nothing.
    """
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))
        except OSError:
            return False
        return ip_address(probe.getsockname()[0].partition("%")[0]) == address
