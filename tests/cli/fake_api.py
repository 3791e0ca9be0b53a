"""A scripted API server on the loopback: answers what a test lays down, and keeps what was asked."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit


class Asked(NamedTuple):
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class FakeApi:
    """`lay("GET", "/v1/x", {...})` lays down answers; each is given once, the last one again and again."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[tuple[str, str], list[tuple[int, Any]]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def lay(self, method: str, path: str, body: Any, status: int = 200) -> None:
        self._answers.setdefault((method, path), []).append((status, body))

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Find the answer: a value, raw bytes, or what a function makes of the request."""
        laid = self._answers.get((asked.method, asked.path))
        if laid is None:
            return 404, {"title": "Not found", "status": 404, "detail": f"there is no {asked.path}", "errors": []}
        status, body = laid.pop(0) if len(laid) > 1 else laid[0]
        return status, body(asked) if callable(body) else body

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(fake):  # noqa: N805 - the inner class has the `self`
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(raw) if raw else None
                asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
                fake.asked.append(asked)
                self.reply(*fake.answer(asked))

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the names that http.server calls

            def reply(self, status: int, body: Any) -> None:
                content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
