"""Serving: uvicorn with our door in front, under our own signals."""

import contextlib
import socket
from collections.abc import Generator
from typing import Any

import uvicorn

from reelhook.settings import Address


class Server(uvicorn.Server):
    """Uvicorn without its signal handlers: the order in which things stop is ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals alone."""
        yield


def make_server(app: Any, door: Any, drain_seconds: float) -> Server:
    """Put the server together; it listens on sockets that are opened by `listen`."""
    config = uvicorn.Config(
        app,
        http=door,
        ws="none",
        loop="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(drain_seconds)),
        backlog=4096,
    )
    return Server(config)


def listen(address: Address) -> socket.socket:
    """Open the listening socket, so that a port in use is known before anything else starts."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
    except OSError:
        listener.close()
        raise
    listener.listen(4096)
    listener.setblocking(False)
    return listener
