"""A house with its door on a real socket, in a loop of its own thread."""

import asyncio
import socket
import threading
from pathlib import Path
from typing import Any, Self

import uvloop
from tests.api.house import House

from reelhook.server.serving import Server, make_server


class ServedHouse:
    """`with ServedHouse(path) as served:` listens on `served.port` of the loopback until the end of the block."""

    def __init__(self, path: Path, **environ: str) -> None:
        self._path = path
        self._environ = environ
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.house: House
        self.port = 0
        self._server: Server

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def do(self, coroutine: Any) -> Any:
        """Run a coroutine in the loop of the house."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(60)
        if self._failure:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(60)

    def _run(self) -> None:
        try:
            uvloop.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - told to the thread that waits
            self._failure = error
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.house = House(self._path, **self._environ)
        await self.house.open()
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._server = make_server(self.house.app, self.house.door, 1)
        self._ready.set()
        await self._server.serve(sockets=[listener])
        await self.house.close()
