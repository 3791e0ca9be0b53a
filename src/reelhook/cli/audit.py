"""`reelhook audit`: who changed what, and when."""

from reelhook.cli.client import route
from reelhook.cli.remote import HERE, Remote
from reelhook.cli.screen import moment, table


def audit(*, limit: int = 50, action: str | None = None, target: str | None = None, remote: Remote = HERE) -> None:
    """List who changed what, newest first.

    Args:
        limit: How many changes to look at, at most.
        action: Only those whose action begins so: endpoint, or endpoint.changed.
        target: Only those of this thing, by its id.
    """
    page = remote.client().list(route("audit"), limit)
    page["items"] = [
        each for each in page["items"] if each["action"].startswith(action or "") and target in (None, each["target"])
    ]
    rows = [
        (moment(each["at"]), each["actor"], each["action"], each["target"], each["change"] or None)
        for each in page["items"]
    ]
    columns = ("AT", "WHO", "WHAT", "OF WHAT", "CHANGE")
    remote.screen.answer(page, lambda: table(columns, rows, "There are no such changes."))
