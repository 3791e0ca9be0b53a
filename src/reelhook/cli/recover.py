"""`reelhook resend`, `recover` and `replay`: sending again, one delivery or all that an endpoint missed."""

import sys
import time
from typing import Annotated, Any, Final, Literal

from cyclopts import Parameter
from rich.console import Console, Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from reelhook.cli.client import Client, Refusal, route
from reelhook.cli.outcome import Exit
from reelhook.cli.remote import HERE, Flag, Remote
from reelhook.cli.screen import facts, note, safe
from reelhook.cli.time_span import since as moment_since

Missed = Literal["failed", "cancelled", "pending", "retrying"]
"""What a recover sends again; a replay sends everything."""
_POLL: Final = 0.5
_ENDS: Final = ("done", "cancelled", "failed")


def resend(delivery_id: str, /, *more: str, remote: Remote = HERE) -> Exit:
    """Send deliveries once more, whatever came of them; their retry schedule starts anew.

    Args:
        delivery_id: Its id (dlv_…).
        more: Further ids; one that cannot be sent does not keep the others from it.
    """
    client = remote.client()
    if not more:
        only = client.post(route("deliveries", delivery_id, "resend"))
        remote.screen.answer(only, lambda: _state(only))
        return Exit.DONE
    sent = [each for each in (_resent(client, one) for one in (delivery_id, *more)) if each is not None]
    remote.screen.answer({"items": sent}, lambda: Group(*map(_state, sent)))
    return Exit.DONE if len(sent) == 1 + len(more) else Exit.NO


def _resent(client: Client, delivery_id: str) -> dict[str, Any] | None:
    """Send one of many; say on stderr why it cannot be. What stops all of them ends the command."""
    try:
        sent: dict[str, Any] = client.post(route("deliveries", delivery_id, "resend"))
    except Refusal as refusal:
        if refusal.code not in (Exit.NO, Exit.USAGE):
            raise
        note(f"reelhook: {delivery_id}: {refusal.message}")
        return None
    return sent


def _state(delivery: dict[str, Any]) -> Text:
    return Text(safe(f"{delivery['id']}  {delivery['state']}"))


def recover(
    endpoint_id: str,
    /,
    *,
    since: str,
    until: str | None = None,
    state: Annotated[tuple[Missed, ...], Parameter(negative="", show_default=False)] = (),
    rate: float | None = None,
    dry_run: Flag = False,
    follow: Flag = False,
    remote: Remote = HERE,
) -> Exit:
    """Send again what an endpoint missed: failed and cancelled deliveries, and what was held back.

    Args:
        endpoint_id: Its id (ep_…).
        since: From when on: a span such as 2h, or a time.
        until: Up to when, said likewise; else now.
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
        until: Up to when, said likewise; else now.
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
