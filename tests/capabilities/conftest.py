"""What the tables of capabilities start from: one running program for each table, an app of its own for each row."""

import itertools
from typing import Any

import pytest
from tests.support.listener import Got, Listener
from tests.support.program import Api, Program, until

_numbers = itertools.count(1)


class House:
    """One app of the running program, and a receiver beside it."""

    def __init__(self, program: Program, listener: Listener, **app: Any) -> None:
        self.program = program
        self.listener = listener
        self.operator = program.api()
        self.app = f"house-{next(_numbers)}"
        self.operator.post("/v1/apps", {"id": self.app, "name": self.app, **app})
        self.api = self.member_of("admin")

    def member_of(self, role: str, **more: Any) -> Api:
        """Return a client with a new token of this app."""
        made = self.operator.ask(
            "POST", "/v1/tokens", {"name": role, "role": role, **more}, {"Reelhook-App": self.app}
        ).ok(201)
        return self.program.api(made["token"])

    def path(self) -> str:
        """Return a path of the receiver that nothing else uses."""
        return f"/{self.app}/{next(_numbers)}"

    def endpoint(self, dialect: str, path: str | None = None, **fields: Any) -> dict[str, Any]:
        """Create an endpoint that points at the receiver; `heard` tells what it got."""
        path = path or self.path()
        made: dict[str, Any] = self.api.post(
            "/v1/endpoints", {"dialect": dialect, "url": self.listener.url(path), **fields}
        )
        return made | {"_path": path}

    def publish(self, event_type: str, data: Any, **more: Any) -> dict[str, Any]:
        """Post one event, and return its receipt."""
        receipt: dict[str, Any] = self.api.post("/v1/events", {"type": event_type, "data": data, **more})
        return receipt

    def example(self, event_type: str) -> Any:
        """Return the catalogue's example of a type."""
        return self.api.get(f"/v1/event-types/{event_type}")["example"]

    def heard(self, endpoint: dict[str, Any], count: int = 1) -> list[Got]:
        """Wait until an endpoint got so many requests, and return them."""
        return self.listener.wait(endpoint["_path"], count)

    def logged(self, endpoint: dict[str, Any], count: int = 1) -> list[dict[str, Any]]:
        """Wait until so many attempts at an endpoint are in the log, and return their lines, newest first."""

        def lines() -> list[dict[str, Any]]:
            return list(self.api.pages(f"/v1/logs?endpoint_id={endpoint['id']}"))

        return until(lambda: found if len(found := lines()) >= count else None, f"{count} attempts are in the log")

    def settled(self, event_id: str) -> list[dict[str, Any]]:
        """Wait until nothing of an event is on its way any more, and return its deliveries."""

        def closed() -> list[dict[str, Any]] | None:
            found = list(self.api.pages(f"/v1/deliveries?event_id={event_id}"))
            return found if all(one["state"] in {"delivered", "failed", "cancelled"} for one in found) else None

        return until(lambda: (found,) if (found := closed()) is not None else None, "all deliveries are closed")[0]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    program = Program(tmp_path_factory.mktemp("installation"))
    program.start()
    yield program
    program.kill()


@pytest.fixture(scope="module")
def listener():
    with Listener() as listener:
        yield listener


@pytest.fixture
def house(running, listener):
    return House(running, listener)


@pytest.fixture
def another_house(running, listener):
    """Builds further houses: with more of what an app says of itself, or in another program."""

    def build(program: Program = running, **app: Any) -> House:
        return House(program, listener, **app)

    return build
