"""What the tests of the wire share: requests, stubbed names, a clock to turn, and a spy on what is connected to."""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from reelhook.model.http import ClientIdentity, Request
from reelhook.model.url import parse_target
from reelhook.transport.failures import DialFailed
from reelhook.transport.resolve import Found

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
PUBLIC = "93.184.216.34"


def post(url: str, body: bytes = b'{"a": 1}', timeout: float = 5.0, identity: ClientIdentity | None = None) -> Request:
    target = parse_target(url)
    head = f"POST {target.path} HTTP/1.1\r\nHost: {target.authority}\r\nContent-Length: {len(body)}\r\n"
    return Request(target, head.encode(), body, timeout, identity)


class Turned:
    """A clock that stands still until a test turns it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Directory:
    """A `Lookup` of given answers, one after the other; the last one stays."""

    def __init__(self, *answers: Sequence[str] | DialFailed, ttl: float = 0.0) -> None:
        self.answers = list(answers)
        self.ttl = ttl
        self.asked: list[str] = []

    async def find(self, host: str) -> Found:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, DialFailed):
            raise answer
        return Found(tuple(ip_address(text) for text in answer), self.ttl)

    async def close(self) -> None:
        pass


class Silence:
    """A `Lookup` that never answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def find(self, host: str) -> Found:
        self.asked.append(host)
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        pass


def spy_on_connections(monkeypatch) -> list[str]:
    """Note every address that this loop connects to; what is not loopback is refused instead of called."""
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect
    seen: list[str] = []

    async def spied(sock, address):
        seen.append(address[0])
        if not ip_address(address[0]).is_loopback:
            raise ConnectionRefusedError(111, "refused by the spy")
        await connect(sock, address)

    monkeypatch.setattr(loop, "sock_connect", spied)
    return seen
