"""A small receiver of webhooks on the loopback: verifies every signature, and is busy once when told to."""

import queue
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

import msgspec

from reelhook.dialects.webhook_verification import verify
from reelhook.errors import Unauthorized
from reelhook.model.secret import Secret

_LARGEST: Final = 1 << 20


class Arrival(msgspec.Struct, frozen=True):
    """One request that came in: what it says, whether it was signed with our secret, and how it was answered."""

    message_id: str
    event_type: str
    data: Any
    size: int
    verified: bool
    reason: str | None
    answered: int


class Receiver:
    """Listens on a free port of the loopback. Put its `url` into an endpoint, and the endpoint's secret in here."""

    def __init__(self) -> None:
        self.arrivals: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self.secret = Secret("")
        self._busy_for: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Where deliveries go."""
        return f"http://127.0.0.1:{self._server.server_port}/hooks/reelhook"

    def be_busy_once(self, event_type: str) -> None:
        """Answer the next event of this type with 503."""
        self._busy_for.add(event_type)

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Judge one request, its header names in lower case; note it, and return the status to answer with."""
        reason = self._refusal(headers, body)
        message = _read(body)
        event_type = str(message.get("type"))
        status = 204 if reason is None else 401
        if reason is None and event_type in self._busy_for:
            self._busy_for.discard(event_type)
            status = 503
        message_id = headers.get("webhook-id") or ""
        data = message.get("data")
        self.arrivals.put(Arrival(message_id, event_type, data, len(body), reason is None, reason, status))
        return status

    def _refusal(self, headers: Mapping[str, str], body: bytes) -> str | None:
        try:
            verify(headers, body, [self.secret], [], int(time.time()))
        except (Unauthorized, ValueError) as wrong:
            return str(wrong)
        return None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _read(body: bytes) -> dict[str, Any]:
    try:
        message = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return message if isinstance(message, dict) else {}


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > _LARGEST:
                self.send_error(413)
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.take(headers, self.rfile.read(int(length)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent: the demo tells what arrives."""

    return Handler
