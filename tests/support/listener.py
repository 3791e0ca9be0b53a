"""A receiver for tests that look at single requests: it keeps each whole, and answers each path as it is told."""

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from tests.support.program import until


class Got(NamedTuple):
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as a JSON value."""
        return json.loads(self.body)


class Reply(NamedTuple):
    """What a request gets."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}


Answerer = Callable[[Got], Reply]


class Listener:
    """An HTTP server on loopback. Unless told otherwise it answers 200."""

    def __init__(self) -> None:
        self._got: defaultdict[str, list[Got]] = defaultdict(list)
        self._next: defaultdict[str, deque[Reply]] = defaultdict(deque)
        self._always: dict[str, Answerer] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def answers(self, path: str, *replies: int | Reply) -> None:
        """Answer the next requests for a path so, one each; then 200 again, or what `always` says."""
        self._next[path].extend(Reply(one) if isinstance(one, int) else one for one in replies)

    def always(self, path: str, answer: int | Reply | Answerer) -> None:
        """Answer every request for a path so from now on."""
        if callable(answer):
            self._always[path] = answer
        else:
            reply = Reply(answer) if isinstance(answer, int) else answer
            self._always[path] = lambda _: reply

    def got(self, path: str) -> list[Got]:
        """Return what has come for a path so far, oldest first."""
        with self._lock:
            return list(self._got[path])

    def wait(self, path: str, count: int = 1) -> list[Got]:
        """Wait until at least so many requests have come for a path, and return them all."""
        return until(lambda: got if len(got := self.got(path)) >= count else None, f"{count} requests for {path}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, got: Got) -> Reply:
        path = got.path.partition("?")[0]
        with self._lock:
            self._got[path].append(got)
            if self._next[path]:
                return self._next[path].popleft()
        return self._always.get(path, lambda _: Reply())(got)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = listener._take(Got(self.command, self.path, headers, body))
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            do_POST = do_GET = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None:
                pass

        return Handler
