"""NOTIFY as nodes know it: what one sends reaches the others soon, or never, for nobody relies upon it.

The connection of the hints lives in the node's own loop and is never in a transaction, so that here it needs no server.
"""

from collections.abc import Callable
from typing import Any

import asyncpg
from tests.simulation.nodes.line import Line

Hear = Callable[[Any, int, str, object], None]


class Channel:
    """All who listen."""

    def __init__(self) -> None:
        self._listeners: list[Listening] = []

    def add(self, one: "Listening") -> None:
        self._listeners.append(one)

    def remove(self, one: "Listening") -> None:
        if one in self._listeners:
            self._listeners.remove(one)

    def tell(self, sender: int, name: str, payload: str) -> None:
        for one in list(self._listeners):
            one.line.carry(one.hear, sender, name, payload)


class Listening:
    """Stands in for the driver's connection, for the few things that hints do with it."""

    def __init__(self, line: Line, channel: Channel) -> None:
        self.line = line
        self._channel = channel
        self._hear: Hear | None = None

    def hear(self, sender: int, name: str, payload: str) -> None:
        if self._hear is not None and not self.line.cut:
            self._hear(self, sender, name, payload)

    def add_termination_listener(self, listener: Callable[[Any], None]) -> None:
        """Nothing ends it but what it is used for."""

    async def add_listener(self, _name: str, hear: Hear) -> None:
        self._hear = hear
        self._channel.add(self)

    async def execute(self, statement: str, *arguments: Any) -> None:
        if not self.line.passes():
            raise asyncpg.ConnectionDoesNotExistError("the simulated connection was closed")
        if arguments:
            self._channel.tell(self.get_server_pid(), *arguments)

    def get_server_pid(self) -> int:
        return id(self)

    def terminate(self) -> None:
        self._hear = None
        self._channel.remove(self)


def servers_of(lines: dict[str, Line], channel: Channel) -> Callable[..., Any]:
    """Return what stands in for the servers that hints connect to."""

    class Servers:
        def __init__(self, url: str, *_: Any, **__: Any) -> None:
            self._line = lines[url]

        async def open(self) -> Listening:
            if not self._line.passes():
                raise OSError("the simulated server cannot be reached")
            return Listening(self._line, channel)

    return Servers
