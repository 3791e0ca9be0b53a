"""`reelhook endpoints pause` and `resume`: one endpoint, or all of an app or of every app for the time of some work."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import App, Parameter
from rich.text import Text

from reelhook.cli.client import Client, Refusal, route
from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.remote import HERE, Flag, Remote
from reelhook.cli.saved_list import read_list
from reelhook.cli.screen import facts, note, safe

_PAGE: Final = 500


def register(endpoints: App) -> None:
    """Add both commands to those of endpoints."""
    endpoints.command(pause)
    endpoints.command(resume)


def pause(
    endpoint_id: str | None = None,
    /,
    *,
    every: Annotated[bool, Parameter(name="--all", negative="", show_default=False)] = False,
    every_app: Flag = False,
    remote: Remote = HERE,
) -> Exit:
    """Hold an endpoint's deliveries back; none is lost. With --all, of every active endpoint of the app.

    Those that it paused are written one a line, as text or with --json, for
    `reelhook endpoints resume --from`: what somebody else has paused or disabled
    before is not among them.

    Args:
        endpoint_id: Its id (ep_…).
        every: Pause all that are active.
        every_app: Pause all that are active in every app, for an operator's token.
    """
    if (endpoint_id is None) is not (every or every_app):
        raise Stop("give the id of an endpoint, or --all, or --every-app", Exit.USAGE)
    if endpoint_id is not None:
        return _one(remote, endpoint_id, "paused")
    failed = 0
    for app in _apps(remote) if every_app else [remote.app]:
        client = _client(remote, app)
        active = [each["id"] for each in _all(client, "endpoints") if each["state"] == "active"]
        failed += sum(not _told(remote, client, app, each, "paused") for each in active)
    return Exit.NO if failed else Exit.DONE


def resume(
    endpoint_id: str | None = None,
    /,
    *,
    list_: Annotated[Path | None, Parameter(name="--from")] = None,
    remote: Remote = HERE,
) -> Exit:
    """Let an endpoint that is paused or disabled go on; what was held is sent now.

    Args:
        endpoint_id: Its id (ep_…).
        list_: A file that `reelhook endpoints pause --all` has written; those in it that are still paused go on.
    """
    if (endpoint_id is None) is (list_ is None):
        raise Stop("give the id of an endpoint, or --from with a file of ids", Exit.USAGE)
    if endpoint_id is not None:
        return _one(remote, endpoint_id, "active")
    failed = 0
    for each in read_list(list_ or Path()):
        app = each.app or remote.app
        failed += not _goes_on(remote, _client(remote, app), app, each.id)
    return Exit.NO if failed else Exit.DONE


def _one(remote: Remote, endpoint_id: str, state: str) -> Exit:
    endpoint = remote.client().patch(route("endpoints", endpoint_id), {"state": state})
    remote.screen.answer(endpoint, lambda: facts(endpoint))
    return Exit.DONE


def _goes_on(remote: Remote, client: Client, app: str | None, endpoint_id: str) -> bool:
    """Resume an endpoint of a list, unless somebody has decided something else about it meanwhile."""
    try:
        state = client.get(route("endpoints", endpoint_id))["state"]
    except Refusal as refusal:
        return _refused(refusal, endpoint_id)
    if state != "paused":
        note(f"{endpoint_id} is {state}: it stays so")
        return True
    return _told(remote, client, app, endpoint_id, "active")


def _told(remote: Remote, client: Client, app: str | None, endpoint_id: str, state: str) -> bool:
    """Change the state of one of many; say on stderr why it cannot be. What stops all of them ends the command."""
    try:
        client.patch(route("endpoints", endpoint_id), {"state": state})
    except Refusal as refusal:
        return _refused(refusal, endpoint_id)
    line = {"id": endpoint_id, "app": app, "state": state}
    remote.screen.line(line, lambda: Text(safe(f"{endpoint_id} {app or ''}").rstrip()))
    return True


def _refused(refusal: Refusal, endpoint_id: str) -> bool:
    if refusal.code not in (Exit.NO, Exit.USAGE):
        raise refusal
    note(f"reelhook: {endpoint_id}: {refusal.message}")
    return False


def _apps(remote: Remote) -> list[str]:
    return [each["id"] for each in _all(remote.client(), "apps")]


def _client(remote: Remote, app: str | None) -> Client:
    return replace(remote, app=app).client()


def _all(client: Client, things: str) -> Iterator[dict[str, Any]]:
    for page in client.pages(route(things), _PAGE):
        yield from page["items"]
