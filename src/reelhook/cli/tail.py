"""`reelhook tail`: attempts as they happen."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, Final, Literal

from cyclopts import Parameter
from rich.text import Text

from reelhook.cli.client import Client, route
from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.remote import HERE, Flag, Remote
from reelhook.cli.screen import moment, note, safe
from reelhook.cli.time_span import since as moment_since
from reelhook.cli.time_span import span
from reelhook.model.instant import read_time, show_time

_WINDOW_MS: Final = 120_000
"""Attempts stand in the log where they began and come into it when they end: each look reads the last while again."""
_PASSING: Final = (Exit.UNREACHABLE, Exit.NOT_NOW, Exit.DEFECT)
"""A watch outlasts also the defect that answers one look with 500."""
_MOST: Final = 2_000
"""So many attempts are read at each look; a busier installation is better watched through its metrics."""


def tail(
    *,
    endpoint: str | None = None,
    event_type: str | None = None,
    status: Literal["succeeded", "failed"] | None = None,
    since: str | None = None,
    once: Flag = False,
    every: Annotated[str, Parameter(show=False)] = "1s",
    remote: Remote = HERE,
) -> Exit:
    """Watch attempts as they happen, one line each, until Ctrl-C; a server that restarts is waited for.

    Args:
        endpoint: Only to this endpoint (ep_…).
        event_type: Only of events of this type.
        status: Only those that ended so.
        since: Begin with what is in the log since then: 10m, or a time.
        once: End after what is in the log already.
        every: The wait between two looks.
    """
    pause = span(every)
    begin = moment_since(since) or show_time(int(time.time() * 1000))
    watch = Watch(remote.client(), begin, {"endpoint_id": endpoint, "event_type": event_type, "status": status})
    show(watch.look(), remote)
    lost = False
    while not once:
        time.sleep(pause)
        try:
            fresh = watch.look()
        except Stop as stop:
            if stop.code not in _PASSING:
                raise
            if not lost:
                note(f"reelhook: {stop.message} Trying again every {pause:g} s until Ctrl-C.")
            lost = True
            continue
        if lost:
            note("reelhook: the server is back")
        lost = False
        show(fresh, remote)
    return Exit.DONE


def show(attempts: Iterator[dict[str, Any]], remote: Remote) -> None:
    """Write each in one line."""
    for attempt in attempts:
        remote.screen.line(attempt, partial(line, attempt))


class Watch:
    """Finds attempts that were not seen before; `begin` is RFC 3339."""

    def __init__(self, client: Client, begin: str, filters: dict[str, Any]) -> None:
        self._client = client
        self._since = begin
        self._begin = read_time(begin)
        self._filters = filters
        self._seen: dict[str, int] = {}

    def look(self) -> Iterator[dict[str, Any]]:
        """Return what is new, oldest first."""
        page = self._client.list(route("logs"), _MOST, since=self._since, **self._filters)
        if page["next"] is not None:
            note(f"reelhook: more than {_MOST} attempts at once; the oldest of them are not shown")
        fresh = [attempt for attempt in reversed(page["items"]) if attempt["id"] not in self._seen]
        self._seen |= {attempt["id"]: read_time(attempt["at"]) for attempt in fresh}
        self._move_on()
        return iter(fresh)

    def _move_on(self) -> None:
        """Let the window follow the newest attempt, and forget what lies before it."""
        if not self._seen:
            return
        start = max(self._begin, max(self._seen.values()) - _WINDOW_MS)
        self._since = show_time(start)
        self._seen = {its_id: at for its_id, at in self._seen.items() if at >= start}


def line(attempt: dict[str, Any]) -> Text:
    """Write one attempt in one line."""
    good = attempt["status"] == "succeeded"
    said = attempt["status_code"] or attempt["error_class"]
    text = Text()
    text.append(f"{moment(attempt['at'])}  ", style="dim")
    text.append("ok   " if good else "FAIL ", style="green" if good else "bold red")
    text.append(safe(f"{said!s:<18} {attempt['event_type']:<24} {attempt['endpoint_name'] or attempt['url']}  "))
    again = "" if attempt["trigger"] == "schedule" else f", {attempt['trigger']}"
    text.append(safe(f"attempt {attempt['attempt']}{again}, {attempt['duration_ms']:.0f} ms"), style="dim")
    text.append(safe(f"  {attempt['delivery_id'] or attempt['id']}"), style="dim")
    return text
