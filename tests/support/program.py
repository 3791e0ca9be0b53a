"""The real program as tests and benches use it: started, asked over HTTP, killed, started again on the same file."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

T = TypeVar("T")
OPERATOR_TOKEN = "operator-token-of-the-tests"
PATIENCE = 120.0
"""Seconds to wait for a condition before a test gives up; far more than needed, because the machine may be busy."""


def until(condition: Callable[[], T], what: str, *, patience: float = PATIENCE, pause: float = 0.02) -> T:
    """Ask again and again until the condition is true, and return what it gave."""
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"still not after {patience:.0f} s: {what}")
        time.sleep(pause)


def free_port() -> int:
    """Return a TCP port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Answer(NamedTuple):
    """What an HTTP request got; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as a JSON value."""
        return json.loads(self.body)

    def ok(self, *statuses: int) -> Any:
        """Return the body as a JSON value, having checked the status (any 2xx when none is named)."""
        if self.status not in (statuses or range(200, 300)):
            raise AssertionError(f"answered {self.status}: {self.body[:500].decode(errors='replace')}")
        return self.json() if self.body else None


class Api:
    """A client of the native API over one kept connection; one thread at a time."""

    def __init__(self, port: int, token: str | None = OPERATOR_TOKEN, *, timeout: float = 60.0) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self._token = token

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request and return the answer; raises OSError or HTTPException when there is none."""
        sent = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        try:
            self._connection.request(method, path, body=data, headers=sent | dict(headers or {}))
            got = self._connection.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def get(self, path: str) -> Any:
        """Read, expecting success."""
        return self.ask("GET", path).ok()

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Post, expecting success; `Idempotency_Key="k"` becomes the header `Idempotency-Key`."""
        return self.ask("POST", path, body, {k.replace("_", "-"): v for k, v in headers.items()}).ok()

    def pages(self, path: str) -> Iterator[Any]:
        """Walk through all items of a list, newest first."""
        joiner, cursor = "&" if "?" in path else "?", ""
        while True:
            page = self.get(f"{path}{joiner}limit=500{cursor}")
            yield from page["items"]
            if not page["next"]:
                return
            cursor = f"&cursor={page['next']}"

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()


class Program:
    """One installation in a directory of its own: `reelhook serve` on a SQLite file, killed and started at will.

    `wrapper` is put before the command (`strace -D …`, `prlimit …`); it must leave the program as the direct child.
    """

    def __init__(
        self, directory: Path, *, settings: Mapping[str, str] | None = None, wrapper: Sequence[str] = ()
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.port = free_port()
        self.database = directory / "reelhook.db"
        self.log = directory / "log.txt"
        self.wrapper = list(wrapper)
        self.settings = {
            "REELHOOK_DATABASE": f"sqlite:///{self.database}",
            "REELHOOK_LISTEN": f"127.0.0.1:{self.port}",
            "REELHOOK_OPERATOR_TOKEN": OPERATOR_TOKEN,
            "REELHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running program."""
        if self._process is None:
            raise RuntimeError("the program was not started")
        return self._process.pid

    def spawn(self) -> None:
        """Start the process without waiting for it to be ready."""
        command = [*self.wrapper, str(Path(sys.executable).parent / "reelhook"), "serve"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory), **self.settings}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.directory, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def start(self) -> Self:
        """Start the process and wait until it says that it is ready."""
        self.spawn()
        until(self._is_ready, "the program is ready")
        return self

    def _is_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"the program ended with {self._process.returncode}:\n{self.said()[-3000:]}")
        return self.readiness() == 200

    def readiness(self) -> int | None:
        """Return the status of `/readyz`, None when nobody answers."""
        try:
            return Api(self.port, None, timeout=5).ask("GET", "/readyz").status
        except (OSError, http.client.HTTPException):
            return None

    def api(self, token: str | None = OPERATOR_TOKEN) -> Api:
        """Return a client on a connection of its own."""
        return Api(self.port, token)

    def said(self) -> str:
        """Return everything that the program has written to its standard output and error so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the running program."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Wait until the process has ended by itself; return its exit code (negative: the signal that ended it)."""
        if self._process is None:
            raise RuntimeError("the program was not started")
        return self._process.wait(PATIENCE)

    def running(self) -> bool:
        """Tell whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self.running():
            self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
