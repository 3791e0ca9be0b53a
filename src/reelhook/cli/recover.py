"""`reelhook resend`, `recover` and `replay`: sending again, one delivery or all that an endpoint missed."""

import sys
import time
from typing import Any, Final

from rich.console import Console, Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from reelhook.cli.client import Client, route
from reelhook.cli.outcome import Exit
from reelhook.cli.remote import HERE, Flag, Remote, Repeated
from reelhook.cli.screen import facts, safe
from reelhook.cli.time_span import since as moment_since

_POLL: Final = 0.5
_ENDS: Final = ("done", "cancelled", "failed")


def resend(delivery_id: str, /, *more: str, remote: Remote = HERE) -> None:
    """Send deliveries once more, whatever came of them; their retry schedule starts anew.

    Args:
        delivery_id: Its id (dlv_…).
        more: Further ids.
    """
    client = remote.client()
    sent = [client.post(route("deliveries", each, "resend")) for each in (delivery_id, *more)]
    lines = [Text(safe(f"{each['id']}  {each['state']}")) for each in sent]
    remote.screen.answer({"items": sent} if more else sent[0], lambda: Group(*lines))


def recover(
    endpoint_id: str,
    /,
    *,
    since: str,
    until: str | None = None,
    state: Repeated = (),
    rate: float | None = None,
    dry_run: Flag = False,
    follow: Flag = False,
    remote: Remote = HERE,
) -> Exit:
    """Send again what an endpoint missed: failed and cancelled deliveries, and what was held back.

    Args:
        endpoint_id: Its id (ep_…).
        since: From when on: a span such as 2h, or a time.
        until: Up to when.
        state: Only deliveries in this state. Can be repeated.
        rate: How many a second at most.
        dry_run: Only say how many there are.
        follow: Stay and show how it gets on; the exit code tells how it ended.
    """
    asked = {"states": list(state)} if state else {}
    asked |= _span(since, until, rate, dry_run=dry_run)
    return _run(remote, route("endpoints", endpoint_id, "recover"), asked, follow=follow)


def replay(
    endpoint_id: str,
    /,
    *,
    since: str,
    until: str | None = None,
    rate: float | None = None,
    dry_run: Flag = False,
    follow: Flag = False,
    remote: Remote = HERE,
) -> Exit:
    """Send an endpoint everything again, also what it received already.

    Args:
        endpoint_id: Its id (ep_…).
        since: From when on: a span such as 2h, or a time.
        until: Up to when.
        rate: How many a second at most.
        dry_run: Only say how many there are.
        follow: Stay and show how it gets on; the exit code tells how it ended.
    """
    asked = _span(since, until, rate, dry_run=dry_run)
    return _run(remote, route("endpoints", endpoint_id, "replay"), asked, follow=follow)


def _span(since: str, until: str | None, rate: float | None, *, dry_run: bool) -> dict[str, Any]:
    asked: dict[str, Any] = {"since": moment_since(since)}
    if until is not None:
        asked["until"] = moment_since(until)
    if rate is not None:
        asked["rate"] = rate
    if dry_run:
        asked["dry_run"] = True
    return asked


def _run(remote: Remote, path: str, asked: dict[str, Any], *, follow: bool) -> Exit:
    client = remote.client()
    answer = client.post(path, asked)
    if asked.get("dry_run"):
        remote.screen.answer(answer, lambda: Text(f"{answer['count']} deliveries would be sent again."))
        return Exit.DONE
    task = _follow(client, answer) if follow else answer
    remote.screen.answer(task, lambda: facts(task))
    return Exit.NO if task["state"] in ("failed", "cancelled") else Exit.DONE


def _follow(client: Client, task: dict[str, Any]) -> dict[str, Any]:
    """Wait for the end of a task; on a terminal a bar shows how far it is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Console(stderr=True)
    with Progress(*columns, console=bar, transient=True, disable=not sys.stderr.isatty()) as progress:
        shown = progress.add_task("sending again", total=task["count"])
        while task["state"] not in _ENDS:
            time.sleep(_POLL)
            task = client.get(route("tasks", task["id"]))
            progress.update(shown, completed=task["done"], total=task["count"])
    return task
