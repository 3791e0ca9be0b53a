"""What a scrape costs: nothing that grows with the endpoints or the tasks."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import House


def figure(text: str, name: str, **labels: str) -> float:
    shown = ",".join(f'{label}="{value}"' for label, value in labels.items())
    wanted = f"{name}{{{shown}}} " if shown else f"{name} "
    [line] = [line for line in text.splitlines() if line.startswith(wanted)]
    return float(line.removeprefix(wanted))


@pytest.mark.interpreted
def test_a_scrape_walks_through_neither_endpoints_nor_tasks(tell: Callable[..., Any]) -> None:
    async def story(house: House) -> None:
        first, second = await house.endpoint(), await house.endpoint()
        await house.endpoint()
        await house.patch(f"/v1/endpoints/{first['id']}", {"state": "paused"})
        await house.ask("DELETE", f"/v1/endpoints/{second['id']}")

        def walk(*_: Any) -> Any:
            raise AssertionError("a scrape must not read tables, nor look at every endpoint")

        house.store.tasks.unfinished = walk
        house.store.endpoints.all = walk
        house.engine.directory.endpoints = walk
        house.engine.dispatcher.circuit = walk
        text = (await house.ask("GET", "/metrics", token=None)).body.decode()
        states = [figure(text, "reelhook_endpoints", state=state) for state in ("active", "paused", "disabled")]
        assert states == [1, 1, 0]
        assert figure(text, "reelhook_endpoint_circuits", circuit="closed") == 2
        assert figure(text, "reelhook_tasks_unfinished") == 0

    tell(story)
