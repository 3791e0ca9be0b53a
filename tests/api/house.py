"""A whole Reelhook in the process of the test: real store and engine, a scripted wire, and the API to ask."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any, NamedTuple

from reelhook.api.token_text import token_hash
from reelhook.clock import SystemClock
from reelhook.model.access import Role, Scope, Token
from reelhook.model.attempt import Failure
from reelhook.model.audit import AuditEntry
from reelhook.model.endpoint import Endpoint
from reelhook.model.http import Request, Response
from reelhook.model.ids import IdSource
from reelhook.model.secret import Secret
from reelhook.ports import AccessToken
from reelhook.server.assembly import services
from reelhook.server.engine import Engine, EngineOptions, World
from reelhook.settings import Settings
from reelhook.settings.load import load
from reelhook.store.sqlite import SqliteOptions, SqliteStore
from reelhook.telemetry import Lines, Metrics

OPERATOR = "operator-token-of-these-tests"
KEY = Secret("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
URL = "https://receiver.example/hook"


class Answer(NamedTuple):
    """What a request got; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def ok(self, status: int) -> Any:
        assert self.status == status, (self.status, self.body[:600])
        return self.json() if self.body else None

    def problem(self, status: int, slug: str | None = None) -> Any:
        assert self.status == status, (self.status, self.body[:600])
        assert self.headers["content-type"] == "application/problem+json"
        problem = self.json()
        assert problem["status"] == status
        assert {"type", "title", "detail", "instance", "errors"} <= problem.keys()
        assert slug is None or problem["type"].endswith(f"/{slug}")
        return problem

    def pointers(self) -> list[str]:
        return [error["pointer"] for error in self.problem(422)["errors"]]


class NoCredentials:
    async def renew(self, endpoint: Endpoint, refused: str) -> AccessToken | None:
        raise AssertionError("no token was ever given")

    async def bearer(self, endpoint: Endpoint) -> AccessToken:
        raise AssertionError("no endpoint here asks for a token")


class ScriptedWire:
    """Answers 200, or what `answers` says next; keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[Request] = []
        self.answers: list[Response] = []

    async def send(self, request: Request) -> Response:
        self.sent.append(request)
        return self.answers.pop(0) if self.answers else Response(200)

    def will_refuse(self) -> None:
        self.answers.append(Response(None, failure=Failure.REFUSED, error="refused", sent=False))


class House:
    """Ask it as a client would; `token` and `app` are per request."""

    def __init__(self, path: Path, **environ: str) -> None:
        self.settings: Settings = load({f"REELHOOK_{name.upper()}": value for name, value in environ.items()})
        self.clock, self.ids, self.wire = SystemClock(), IdSource(), ScriptedWire()
        self.store = SqliteStore(SqliteOptions(path, KEY), self.clock, self.ids)
        world = World(
            self.clock, self.ids, self.wire, NoCredentials(), random.random, Metrics("test"), Lines(every=False)
        )
        self.engine = Engine(self.store, world, EngineOptions(drain_seconds=1))
        self.app, self.door = services(self.settings, self.engine, "https://reelhook.example")

    async def open(self) -> None:
        await self.add_token(OPERATOR, Role.OPERATOR)
        await self.engine.start()
        while self.engine.failing():  # the background loops begin with the next turns of the event loop
            await asyncio.sleep(0)

    async def close(self) -> None:
        await self.engine.stop()

    async def add_token(
        self, text: str, role: Role, *scopes: Scope, app: str = "default", expires_at: int | None = None
    ) -> str:
        number = self.ids.take(self.clock.wall())
        token = Token(number, app, text, role, scopes, token_hash(text), text[-4:], self.clock.wall(), expires_at)
        await self.store.tokens.add(token, AuditEntry(number, app, 0, "system", "token.created", text))
        return text

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        token: str | None = OPERATOR,
        app: str | None = None,
    ) -> Answer:
        sent = {"authorization": f"Bearer {token}"} if token else {}
        sent |= {"reelhook-app": app} if app else {}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if raw:
            sent["content-type"] = "application/json"
        return await call(self.app, method, path, raw, sent | (headers or {}))

    async def post(self, path: str, body: Any = None, status: int = 201, **options: Any) -> Any:
        return (await self.ask("POST", path, body, **options)).ok(status)

    async def get(self, path: str, **options: Any) -> Any:
        return (await self.ask("GET", path, **options)).ok(200)

    async def patch(self, path: str, body: Any, **options: Any) -> Any:
        return (await self.ask("PATCH", path, body, **options)).ok(200)

    async def endpoint(self, **fields: Any) -> Any:
        return await self.post("/v1/endpoints", {"url": URL, **fields})

    async def endpoint_in(self, app: str, **fields: Any) -> Any:
        return await self.post("/v1/endpoints", {"url": URL, **fields}, app=app)

    async def publish(self, **fields: Any) -> Any:
        return await self.post("/v1/events", {"type": "asset.created", "data": {"asset": {"id": "a"}}, **fields}, 202)

    async def delivery(self, state: str = "delivered", **filters: str) -> Any:
        """Wait until there is a delivery in this state."""
        query = "&".join(f"{name}={value}" for name, value in {"state": state, **filters}.items())
        for _ in range(2000):
            found = (await self.get(f"/v1/deliveries?{query}"))["items"]
            if found:
                return found[0]
            await asyncio.sleep(0.005)
        raise AssertionError(f"no delivery is {state}")


async def call(app: Any, method: str, path: str, raw: bytes, headers: dict[str, str]) -> Answer:
    """Ask an ASGI application."""
    route, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": route,
        "raw_path": route.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    messages: list[Any] = []
    unread = [{"type": "http.request", "body": raw, "more_body": False}]

    async def receive() -> Any:
        if unread:
            return unread.pop()
        await asyncio.Event().wait()
        return None

    async def send(message: Any) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, *parts = messages
    shown = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], shown, b"".join(part.get("body", b"") for part in parts))
