"""`reelhook token`: make, list and revoke access tokens."""

from typing import Any, Final, Literal

from cyclopts import App
from rich.text import Text

from reelhook.cli.client import route
from reelhook.cli.remote import HERE, Remote, Repeated
from reelhook.cli.screen import facts, moment, table
from reelhook.cli.time_span import ahead

token: Final = App(name="token", help="Make, list and revoke access tokens.", version_flags=[])


@token.command
def create(
    name: str,
    /,
    *,
    role: Literal["viewer", "member", "manager", "admin", "operator"],
    scope: Repeated = (),
    expires_in: str | None = None,
    remote: Remote = HERE,
) -> None:
    """Make a token; its text is shown this once.

    Args:
        name: What it is for.
        role: What it may do at most; each role may do all that the ones before it may.
        scope: Narrow it to this scope, such as events:write. Can be repeated.
        expires_in: When it ends: a span such as 90d, or a time. Unset: never.
    """
    asked: dict[str, Any] = {"name": name, "role": role}
    if scope:
        asked["scopes"] = list(scope)
    if expires_in is not None:
        asked["expires_at"] = ahead(expires_in)
    made = remote.client().post(route("tokens"), asked)
    remote.screen.answer(made, lambda: facts(made))


@token.command(name="list")
def list_(*, limit: int = 50, remote: Remote = HERE) -> None:
    """List tokens, without their texts.

    Args:
        limit: How many at most.
    """
    page = remote.client().list(route("tokens"), limit)
    rows = [
        (each["id"], each["name"], each["role"], each["scopes"] or "all", moment(each.get("expires_at")))
        for each in page["items"]
    ]
    remote.screen.answer(page, lambda: table(("ID", "NAME", "ROLE", "SCOPES", "EXPIRES"), rows, "There are no tokens."))


@token.command
def revoke(token_id: str, /, *, remote: Remote = HERE) -> None:
    """End a token now.

    Args:
        token_id: Its id (tok_…).
    """
    remote.client().delete(route("tokens", token_id))
    remote.screen.answer({"id": token_id, "revoked": True}, lambda: Text(f"{token_id} is revoked."))
