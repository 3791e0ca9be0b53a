"""`reelhook events`: look at events, replay them."""

from typing import Final

from cyclopts import App
from rich.text import Text

from reelhook.cli.client import route
from reelhook.cli.remote import HERE, Remote
from reelhook.cli.screen import facts, moment, safe, table
from reelhook.cli.time_span import since as moment_since

events: Final = App(name="events", help="Look at events, replay them.", version_flags=[])


@events.command(name="list")
def list_(
    *,
    limit: int = 50,
    event_type: str | None = None,
    since: str | None = None,
    until: str | None = None,
    remote: Remote = HERE,
) -> None:
    """List events, newest first.

    Args:
        limit: How many at most.
        event_type: Only of this type.
        since: From when on: a span such as 2h, or a time.
        until: Up to when, said likewise; else now.
    """
    asked = {"event_type": event_type, "since": moment_since(since), "until": moment_since(until)}
    page = remote.client().list(route("events"), limit, **asked)
    rows = [
        (each["id"], each["type"], moment(each["occurred_at"]), moment(each["accepted_at"])) for each in page["items"]
    ]
    remote.screen.answer(page, lambda: table(("ID", "TYPE", "OCCURRED", "ACCEPTED"), rows, "There are no such events."))


@events.command
def show(event_id: str, /, *, remote: Remote = HERE) -> None:
    """Show one event with its data.

    Args:
        event_id: Its id (evt_…, or the one you gave it).
    """
    event = remote.client().get(route("events", event_id))
    remote.screen.answer(event, lambda: facts(event))


@events.command
def replay(event_id: str, /, *, endpoint: str | None = None, remote: Remote = HERE) -> None:
    """Send an event again to the endpoints that it went to.

    Args:
        event_id: Its id (evt_…, or the one you gave it).
        endpoint: Only to this endpoint (ep_…), also when it never had the event.
    """
    asked = {} if endpoint is None else {"endpoint_id": endpoint}
    task = remote.client().post(route("events", event_id, "replay"), asked)
    remote.screen.answer(task, lambda: Text(safe(f"{task['id']}  {task['state']}  {task['count']} deliveries")))
