"""`reelhook apps`: the tenants, for their operator."""

from typing import Any, Final

from cyclopts import App
from rich.text import Text

from reelhook.cli.client import route
from reelhook.cli.given_data import object_of, set_deep
from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.remote import HERE, Remote, Repeated
from reelhook.cli.screen import facts, moment, table

apps: Final = App(name="apps", help="Make, change and look at apps, the tenants.", version_flags=[])


@apps.command(name="list")
def list_(*, limit: int = 50, remote: Remote = HERE) -> None:
    """List apps, newest first.

    Args:
        limit: How many at most.
    """
    page = remote.client().list(route("apps"), limit)
    rows = [(each["id"], each["name"], each["limits"] or None, moment(each["created_at"])) for each in page["items"]]
    remote.screen.answer(page, lambda: table(("ID", "NAME", "LIMITS", "CREATED"), rows, "There are no apps."))


@apps.command
def show(app_id: str, /, *, remote: Remote = HERE) -> None:
    """Show one app.

    Args:
        app_id: Its id.
    """
    _answer(remote, remote.client().get(route("apps", app_id)))


@apps.command
def create(
    app_id: str | None = None,
    /,
    *,
    name: str | None = None,
    body: str | None = None,
    set: Repeated = (),  # noqa: A002 - the option is called so everywhere
    remote: Remote = HERE,
) -> None:
    """Make an app.

    Args:
        app_id: Its id, in a-z, 0-9, _ and -; else it is given one. It can never be changed.
        name: A name for people.
        body: The app as JSON: in place, @file or @-. Options change it.
        set: Any other field: --set limits.endpoints=20. Can be repeated.
    """
    document = _document(name, body, set) | ({"id": app_id} if app_id is not None else {})
    _answer(remote, remote.client().post(route("apps"), document))


@apps.command
def update(
    app_id: str,
    /,
    *,
    name: str | None = None,
    body: str | None = None,
    set: Repeated = (),  # noqa: A002 - the option is called so everywhere
    remote: Remote = HERE,
) -> None:
    """Change some of an app; the rest stays (RFC 7396 merge-patch).

    Args:
        app_id: Its id.
        name: A name for people.
        body: The change as JSON: in place, @file or @-. Options change it.
        set: Any other field: --set limits.endpoints=20. Can be repeated.
    """
    change = _document(name, body, set)
    if not change:
        raise Stop("say what to change; see --help", Exit.USAGE)
    _answer(remote, remote.client().patch(route("apps", app_id), change))


@apps.command
def delete(app_id: str, /, *, remote: Remote = HERE) -> None:
    """Delete an app with its endpoints, tokens, event types and tasks; its id is never given out again.

    Args:
        app_id: Its id.
    """
    remote.client().delete(route("apps", app_id))
    remote.screen.answer({"id": app_id, "deleted": True}, lambda: Text(f"{app_id} is deleted."))


def _document(name: str | None, body: str | None, assignments: Repeated) -> dict[str, Any]:
    made = object_of(body, "--body") if body is not None else {}
    return set_deep(made | ({"name": name} if name is not None else {}), assignments)


def _answer(remote: Remote, app: dict[str, Any]) -> None:
    remote.screen.answer(app, lambda: facts(app))
