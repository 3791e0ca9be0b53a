"""A scripted DNS server on loopback (UDP, RFC 1035): answers from a table, refuses, or stays silent."""

import asyncio
import socket
import struct
from ipaddress import ip_address
from typing import Final, Self

NXDOMAIN: Final = 3
SERVFAIL: Final = 2
SILENT: Final = -1

_TYPES: Final = {4: 1, 6: 28}
_NO_ERROR_RESPONSE: Final = 0x8180


class DnsServer(asyncio.DatagramProtocol):
    """`records` maps a name to (addresses, ttl), to an error code, or to SILENT; unknown names do not exist."""

    def __init__(self, records: dict[str, tuple[list[str], int] | int]) -> None:
        self.records = records
        self.asked: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0), family=socket.AF_INET
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.close()

    @property
    def address(self) -> str:
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")[:2]
        return f"{host}:{port}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment] # a datagram transport, as this is its protocol

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        name, kind, end = _question(data)
        self.asked.append(name)
        record = self.records.get(name, NXDOMAIN)
        if record == SILENT:
            return
        code, answers = (record, []) if isinstance(record, int) else (0, _answers(kind, *record))
        head = data[:2] + struct.pack("!HHHHH", _NO_ERROR_RESPONSE | code, 1, len(answers), 0, 0)
        assert self._transport is not None
        self._transport.sendto(head + data[12:end] + b"".join(answers), addr)


def _question(data: bytes) -> tuple[str, int, int]:
    """Return the name, the type, and where the question ends."""
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode("ascii").lower())
        at += 1 + data[at]
    return ".".join(labels), struct.unpack("!H", data[at + 1 : at + 3])[0], at + 5


def _answers(kind: int, addresses: list[str], ttl: int) -> list[bytes]:
    packed = [ip_address(address).packed for address in addresses if _TYPES[ip_address(address).version] == kind]
    return [struct.pack("!HHHIH", 0xC00C, kind, 1, ttl, len(raw)) + raw for raw in packed]
