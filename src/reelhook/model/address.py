"""Which addresses may be called: an explicit table of those that may not.

`ipaddress.is_global` and `is_private` are no guard: they let pass NAT64, 6to4, IPv4-compatible and site-local
addresses, multicast, and Azure's host address.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from reelhook.model.http import Target

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

BLOCKED_ADDRESS: Final = (
    "the URL leads to a blocked address (private, local or reserved); only the operator can allow such a network"
)
"""The address itself stays unsaid: it would tell a tenant what the names inside the operator's network resolve to."""

_DENIED: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network; Linux connects 0.0.0.0 to itself
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata at 100.100.100.200
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host
        "169.254.0.0/16",  # link-local; the clouds' metadata at 169.254.169.254
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        # Only 2000::/3 is global unicast. The rest, in three pieces: loopback, unspecified, IPv4-compatible, NAT64
        # (64:ff9b::/96 and 64:ff9b:1::/48), discard, …
        "::/3",
        "4000::/2",  # … SRv6 (5f00::/16), unassigned, …
        "8000::/1",  # … unique local (fd00:ec2::254 too), link-local, site-local fec0::/10, multicast.
        "2001::/23",  # Teredo, ORCHID, benchmarks and other protocol assignments
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: holds an IPv4 address
        "3ffe::/16",  # the former 6bone
        "3fff::/20",  # documentation
    )
)
_MAPPED: Final = ip_network("::ffff:0:0/96")
_LOOPBACK: Final = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


def unmap(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped IPv6 address stands for; any other as it is."""
    if isinstance(address, IPv6Address) and address in _MAPPED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def inside(address: Address, networks: Sequence[Network]) -> bool:
    """Tell whether an address lies in one of the networks."""
    plain = unmap(address)
    return any(plain in network for network in networks)


def allowed(address: Address, exceptions: Sequence[Network]) -> bool:
    """Tell whether an address may be called; `exceptions` are the operator's and win over the table."""
    return inside(address, exceptions) or not inside(address, _DENIED)


def refuse_literal(target: Target, exceptions: Sequence[Network]) -> str | None:
    """Say why a URL can be refused without a look-up: its host is a blocked address, or a name of this machine itself.

    None means that nothing speaks against it yet; the address is checked again whenever it is connected to.
    """
    if target.host == "localhost" or target.host.endswith(".localhost"):
        return None if any(allowed(address, exceptions) for address in _LOOPBACK) else BLOCKED_ADDRESS
    try:
        address = ip_address(target.host)
    except ValueError:
        return None
    return None if allowed(address, exceptions) else BLOCKED_ADDRESS
