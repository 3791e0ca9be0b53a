"""`reelhook deliveries`: look at deliveries, cancel them."""

from typing import Final, Literal

from cyclopts import App
from rich.text import Text

from reelhook.cli.client import route
from reelhook.cli.remote import HERE, Remote
from reelhook.cli.screen import facts, moment, safe, table
from reelhook.cli.time_span import since as moment_since

DeliveryState = Literal["pending", "sending", "retrying", "delivered", "failed", "cancelled"]

deliveries: Final = App(name="deliveries", help="Look at deliveries, cancel them.", version_flags=[])


@deliveries.command(name="list")
def list_(
    *,
    limit: int = 50,
    state: DeliveryState | None = None,
    endpoint: str | None = None,
    event: str | None = None,
    event_type: str | None = None,
    since: str | None = None,
    until: str | None = None,
    remote: Remote = HERE,
) -> None:
    """List deliveries, newest first.

    Args:
        limit: How many at most.
        state: Only those in this state.
        endpoint: Only to this endpoint (ep_…).
        event: Only of this event (evt_…).
        event_type: Only of events of this type.
        since: From when on: a span such as 2h, or a time.
        until: Up to when, said likewise; else now.
    """
    asked = {"state": state, "endpoint_id": endpoint, "event_id": event, "event_type": event_type}
    times = {"since": moment_since(since), "until": moment_since(until)}
    page = remote.client().list(route("deliveries"), limit, **asked, **times)
    rows = [
        (each["id"], each["state"], each["attempts"], each["event_type"], each["endpoint_id"], _when(each))
        for each in page["items"]
    ]
    columns = ("ID", "STATE", "ATTEMPTS", "EVENT", "ENDPOINT", "NEXT OR LAST")
    remote.screen.answer(page, lambda: table(columns, rows, "There are no such deliveries."))


def _when(delivery: dict[str, str]) -> str | None:
    return moment(delivery["next_attempt_at"] or delivery["updated_at"])


@deliveries.command
def show(delivery_id: str, /, *, remote: Remote = HERE) -> None:
    """Show one delivery; `reelhook explain` tells its life.

    Args:
        delivery_id: Its id (dlv_…).
    """
    delivery = remote.client().get(route("deliveries", delivery_id))
    remote.screen.answer(delivery, lambda: facts(delivery))


@deliveries.command
def cancel(delivery_id: str, /, *, remote: Remote = HERE) -> None:
    """Cancel a delivery that waits; `reelhook resend` takes it back.

    Args:
        delivery_id: Its id (dlv_…).
    """
    delivery = remote.client().post(route("deliveries", delivery_id, "cancel"))
    remote.screen.answer(delivery, lambda: Text(safe(f"{delivery['id']}  {delivery['state']}")))
