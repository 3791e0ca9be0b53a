"""Stories around a dispatcher: each runs in virtual time, so seconds cost nothing and every run is the same."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.unit.dispatch_scene import RULE, Scene
from tests.unit.samples import an_endpoint
from tests.worker.virtual import virtually

from reelhook.worker.limits import Limits

Story = Callable[[Scene], Awaitable[Any]]


def play(story: Story, *endpoints: Any, **limits: Any) -> Scene:
    """Run a story around a dispatcher that was started, and return what it left behind."""

    async def play() -> Scene:
        scene = Scene(Limits(**{"circuit": RULE} | limits), endpoints)
        scene.dispatcher.start()
        await story(scene)
        return scene

    return virtually(play())


def limited(**more: Any) -> tuple[Any, Any]:
    return an_endpoint(id=1, **more), an_endpoint(id=2)
