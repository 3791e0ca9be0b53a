"""`reelhook explain`: the life of one delivery, told in sentences."""

import time
from typing import Any

from rich.text import Text

from reelhook.cli.client import Client, Refusal, route
from reelhook.cli.outcome import Stop
from reelhook.cli.remote import HERE, Remote
from reelhook.cli.screen import safe
from reelhook.cli.story import OPEN, tell


def explain(delivery_id: str, /, *, remote: Remote = HERE) -> None:
    """Tell what happened to one delivery, why it stands as it does, and what can be done.

    Args:
        delivery_id: Its id (dlv_…); `reelhook deliveries list` finds it.
    """
    told = life(remote.client(), delivery_id, int(time.time() * 1000))
    remote.screen.answer(told, lambda: Text("\n".join(safe(sentence) for sentence in told["story"])))


def life(client: Client, delivery_id: str, now: int) -> dict[str, Any]:
    """Read all that is known of a delivery and tell it; `now` is wall time in ms."""
    delivery = client.get(route("deliveries", delivery_id))
    event = _known(client, "events", delivery["event_id"])
    endpoint = _known(client, "endpoints", delivery["endpoint_id"])
    attempts = client.get(route("deliveries", delivery_id, "attempts"))["items"]
    held = _held_since(client) if delivery["state"] in OPEN else None
    story = tell(delivery, event, endpoint, attempts, now, held_since=held)
    known = {"delivery": delivery, "event": event, "endpoint": endpoint, "attempts": attempts}
    return known | {"held_since": held, "story": story}


def _held_since(client: Client) -> str | None:
    """Return since when the installation sends nothing; None also where that cannot be asked, behind some proxy."""
    try:
        ready = client.get("/readyz")
    except Stop:
        return None
    since: str | None = ready.get("held_since") if isinstance(ready, dict) else None
    return since


def _known(client: Client, noun: str, its_id: str) -> dict[str, Any] | None:
    """Read a thing that may be gone: a deleted endpoint, an event past its retention."""
    try:
        found: dict[str, Any] = client.get(route(noun, its_id))
    except Refusal as refusal:
        if refusal.status == 404:
            return None
        raise
    return found
