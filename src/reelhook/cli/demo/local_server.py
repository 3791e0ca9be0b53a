"""Starts a Reelhook of its own for the demo: its own process, directory, port and token, gone afterwards."""

import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Self

from reelhook.cli.client import Client
from reelhook.cli.outcome import Exit, Stop

_PATIENCE: Final = 30.0
_PAUSE: Final = 0.05


class LocalServer:
    """`reelhook serve` in a directory, for as long as the block runs. It may call the loopback, nothing else."""

    def __init__(self, directory: Path) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.token = secrets.token_urlsafe(24)
        self.log = directory / "server.log"
        self._address = ("127.0.0.1", port)
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def client(self) -> Client:
        """Return a client with the operator's token."""
        return Client(self.url, self.token, None)

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "reelhook.cli", "serve"]
        with self.log.open("wb") as log:
            # The command is this program itself; nothing given goes into it.
            self._process = subprocess.Popen(  # noqa: S603
                command,
                cwd=self._directory,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _environment(self) -> dict[str, str]:
        """Give it its own settings and none of the ones that stand in the environment here."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("REELHOOK_")}
        return kept | {
            "REELHOOK_DATABASE": f"sqlite:///{self._directory / 'demo.db'}",
            "REELHOOK_LISTEN": "{}:{}".format(*self._address),
            "REELHOOK_OPERATOR_TOKEN": self.token,
            "REELHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        }

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Stop(f"the server did not start; its log ends with: {self._last_words()}", Exit.NO)
            time.sleep(_PAUSE)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(*self._address, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _last_words(self) -> str:
        lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "nothing"

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
