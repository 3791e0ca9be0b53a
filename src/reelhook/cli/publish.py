"""`reelhook publish`: one event, or a file of many."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from reelhook.cli.client import Client, route
from reelhook.cli.given_data import json_of, object_of, set_deep, text_of
from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.remote import HERE, Remote, Repeated
from reelhook.cli.screen import safe

LARGEST_BATCH: Final = 1000


def publish(
    event_type: str | None = None,
    data: str | None = None,
    /,
    *,
    batch: str | None = None,
    id: str | None = None,  # noqa: A002 - the option is --id
    key: str | None = None,
    occurred_at: str | None = None,
    ordering_key: str | None = None,
    set: Repeated = (),  # noqa: A002 - the option is --set
    remote: Remote = HERE,
) -> None:
    """Publish an event, or a file of many. It is on disk when this returns.

    Args:
        event_type: The type, such as asset.published.
        data: The event's data, a JSON object: in place, @file or @- for stdin.
        batch: Many events instead: @file or @- with a JSON array or one JSON object a line, each with type and data.
        id: Your own id of the event; publishing it again then changes nothing.
        key: An Idempotency-Key; the same request again within a day is answered as the first.
        occurred_at: When it happened (RFC 3339); else now.
        ordering_key: What orders deliveries for endpoints that ask for it; else the asset's id.
        set: Set one thing inside the data: --set asset.title=Hello. Can be repeated.
    """
    headers = {"Idempotency-Key": key} if key else {}
    if batch is not None:
        _refuse_beside_batch(event_type, id, occurred_at, ordering_key, *set)
        _publish_many(batch, headers, remote)
        return
    if event_type is None:
        raise Stop("name the type of the event, or give --batch; see --help", Exit.USAGE)
    event: dict[str, Any] = {"type": event_type, "data": object_of(data, "the data") if data else {}}
    set_deep(event["data"], set)
    extra = {"id": id, "occurred_at": occurred_at, "ordering_key": ordering_key}
    event |= {name: value for name, value in extra.items() if value is not None}
    accepted = remote.client().post(route("events"), event, headers)
    remote.screen.answer(accepted, lambda: said(accepted))


def _refuse_beside_batch(*given: str | None) -> None:
    """Refuse what describes one event: it would be dropped without a word."""
    if any(value is not None for value in given):
        raise Stop(
            "--batch has its events in the file: give no type, data or option of one event beside it", Exit.USAGE
        )


def said(accepted: dict[str, Any]) -> RenderableType:
    """Say what became of one published event."""
    count = accepted["deliveries"]
    reach = f"{count} {'delivery' if count == 1 else 'deliveries'}"
    return Text(safe(f"{accepted['id']}  {accepted['type']}  accepted, {reach}"))


def _publish_many(batch: str, headers: dict[str, str], remote: Remote) -> None:
    client = remote.client()
    accepted: list[dict[str, Any]] = []
    for number, events in enumerate(_chunks(_events(batch))):
        # Each request has a key of its own, or the second would be answered as the first.
        own = {name: f"{key}-{number}" for name, key in headers.items()}
        accepted += _post(client, events, own, len(accepted))
    remote.screen.answer({"items": accepted}, lambda: Group(*(said(each) for each in accepted)))


def _post(client: Client, events: list[Any], headers: dict[str, str], before: int) -> list[dict[str, Any]]:
    try:
        items: list[dict[str, Any]] = client.post(route("events", "batch"), events, headers)["items"]
    except Stop as stop:
        done = f"; the {before} events before this batch were accepted" if before else "; nothing was accepted"
        raise Stop(stop.message + done, stop.code) from stop
    return items


def _events(batch: str) -> list[Any]:
    text = text_of(batch)
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return [json_of(line, f"line {number}") for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    return value if isinstance(value, list) else [value]


def _chunks(events: list[Any]) -> Iterator[list[Any]]:
    if not events:
        raise Stop("the batch is empty", Exit.USAGE)
    for start in range(0, len(events), LARGEST_BATCH):
        yield events[start : start + LARGEST_BATCH]
