"""`reelhook trigger`: the sample event of a type, published for real."""

from typing import Any

from reelhook.cli.client import Client, route
from reelhook.cli.given_data import set_deep
from reelhook.cli.outcome import Stop
from reelhook.cli.publish import said
from reelhook.cli.remote import HERE, Remote, Repeated
from reelhook.cli.screen import table


def trigger(
    event_type: str | None = None,
    /,
    *,
    set: Repeated = (),  # noqa: A002 - the option is --set
    remote: Remote = HERE,
) -> None:
    """Publish the sample event of a type, which then goes to all endpoints that subscribe to it.

    Without a type, list the types.

    Args:
        event_type: A type of the catalogue, such as asset.processed.
        set: Change one thing inside the sample's data: --set asset.id=ast_7. Can be repeated.
    """
    client = remote.client()
    if event_type is None:
        _list(client, remote)
        return
    example = client.get(route("event-types", event_type)).get("example")
    if example is None:
        raise Stop(f"the type {event_type} has no example; publish one with: reelhook publish {event_type} DATA")
    data = set_deep(example, set) if isinstance(example, dict) else example
    accepted = client.post(route("events"), {"type": event_type, "data": data})
    remote.screen.answer(accepted, lambda: said(accepted))


def _list(client: Client, remote: Remote) -> None:
    items: list[dict[str, Any]] = []
    for page in client.pages(route("event-types"), 500):
        items += page["items"]
    rows = [(each["name"], each["category"], each["description"]) for each in items]
    remote.screen.answer(
        {"items": items}, lambda: table(("TYPE", "CATEGORY", "MEANING"), rows, "There are no event types.")
    )
