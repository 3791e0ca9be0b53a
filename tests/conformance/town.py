"""A history of which everything is known, to compare the log with."""

from typing import Any

from tests.conformance.world import World

from reelhook.model import ids
from reelhook.model.endpoint import Endpoint


class Town:
    """Two apps, three endpoints, a mixed history of which everything is known."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.attempts: list[dict[str, Any]] = []

    async def build(self) -> "Town":
        world = self.world
        await world.app("acme")
        self.one = await world.endpoint(name="Studio One", url="https://one.example/in")
        self.two = await world.endpoint(name="Archive", url="https://two.example/in")
        self.far = await world.endpoint("acme", name="Studio Far")
        for number in range(12):
            await self.add(self.one, number, "asset.uploaded" if number % 3 else "live.started")
            if number % 2:
                await self.add(self.two, number, "asset.deleted")
            await self.add(self.far, number, "asset.uploaded")
        return self

    async def add(self, endpoint: Endpoint, number: int, kind: str) -> None:
        status = 503 if number % 4 == 3 else 200
        data = b'{"asset": {"id": "v%d", "ids": {"vimeo": "%d"}}}' % (number % 5, 900 + number)
        event = await self.world.publish(endpoint, type=kind, data=data, given_id=f"given-{len(self.attempts)}")
        (attempt_id,) = await self.world.send(endpoint, status=status)
        self.attempts.append(
            {
                "id": attempt_id,
                "app_id": endpoint.app_id,
                "endpoint_id": endpoint.id,
                "event": event.public_id,
                "event_id": event.id,
                "event_type": kind,
                "status": "failed" if status == 503 else "succeeded",
                "status_code": status,
                "asset": f"v{number % 5}",
                "at": ids.time_of(attempt_id),
            }
        )

    def expected(self, app_id: str = "default", **wanted: Any) -> list[int]:
        wanted["app_id"] = app_id
        found = [one for one in self.attempts if all(one[name] == value for name, value in wanted.items())]
        return [one["id"] for one in reversed(found)]


async def check_all(world: World, town: Town, limit: int) -> None:
    async def found(**filters: Any) -> list[int]:
        return [one.id for one in await world.attempts(limit=limit, **filters)]

    assert await found() == town.expected()
    assert await found(app_id="acme") == town.expected("acme")
    assert await found(app_id="nobody") == []
    for endpoint in (town.one, town.two):
        assert await found(endpoint_id=endpoint.id) == town.expected(endpoint_id=endpoint.id)
        assert await found(endpoint_id=endpoint.id, app_id="acme") == []
        for status in ("failed", "succeeded"):
            filters = {"endpoint_id": endpoint.id, "status": status}
            assert await found(**filters) == town.expected(**filters)
    for kind in ("asset.uploaded", "live.started", "no.such"):
        assert await found(event_type=kind) == town.expected(event_type=kind)
        filters = {"event_type": kind, "status_code": 503, "endpoint_id": town.one.id}
        assert await found(**filters) == town.expected(**filters)
    assert await found(status="failed") == town.expected(status="failed")
    assert await found(status="failed", event_type="asset.deleted") == town.expected(
        status="failed", event_type="asset.deleted"
    )
    assert await found(status_code=503) == town.expected(status_code=503)
