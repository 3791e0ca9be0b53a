"""`reelhook endpoints`: make, change, test and look at endpoints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cyclopts import App
from rich.console import Group, RenderableType
from rich.text import Text

from reelhook.cli import pausing
from reelhook.cli.client import route
from reelhook.cli.endpoint_fields import ANY, Fields
from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.remote import HERE, SET, Remote, RemoteOfEnvironment, read_text
from reelhook.cli.screen import facts, moment, safe, table
from reelhook.cli.time_span import since as moment_since
from reelhook.cli.time_span import span

_SHARES: Final = ("p50", "p95", "p99")

endpoints: Final = App(name="endpoints", help="Make, change, test and look at endpoints.", version_flags=[])
pausing.register(endpoints)


@endpoints.command(name="list")
def list_(*, limit: int = 50, remote: Remote = HERE) -> None:
    """List endpoints, newest first.

    Args:
        limit: How many at most.
    """
    page = remote.client().list(route("endpoints"), limit)
    rows = [
        (
            each["id"],
            each["name"],
            each.get("dialect"),
            each["state"],
            each.get("circuit"),
            each["url"],
            each["events"] or "all",
        )
        for each in page["items"]
    ]
    columns = ("ID", "NAME", "DIALECT", "STATE", "CIRCUIT", "URL", "EVENTS")
    remote.screen.answer(
        page, lambda: table(columns, rows, "There are no endpoints. See: reelhook endpoints create -h")
    )


@endpoints.command
def show(endpoint_id: str, /, *, remote: Remote = HERE) -> None:
    """Show all of one endpoint.

    Args:
        endpoint_id: Its id (ep_…).
    """
    _answer(remote, remote.client().get(route("endpoints", endpoint_id)))


@endpoints.command
def create(url: str | None = None, /, *, fields: Fields = ANY, remote: Remote = HERE) -> None:
    """Make an endpoint; its secret is shown this once.

    Args:
        url: Where its deliveries go.
    """
    document = fields.document() | ({"url": url} if url is not None else {})
    if not document:
        raise Stop("give a URL, or the whole endpoint with --body; see --help", Exit.USAGE)
    _answer(remote, remote.client().post(route("endpoints"), document))


@endpoints.command
def update(
    endpoint_id: str, /, *, url: str | None = None, fields: Fields = ANY, remote: RemoteOfEnvironment = SET
) -> None:
    """Change some of an endpoint; the rest stays (RFC 7396 merge-patch).

    The server is that of REELHOOK_URL: here --url is the endpoint's.

    Args:
        endpoint_id: Its id (ep_…).
        url: Where its deliveries go from now on.
    """
    change = fields.document() | ({"url": url} if url is not None else {})
    if not change:
        raise Stop("say what to change; see --help", Exit.USAGE)
    _answer(remote, remote.client().patch(route("endpoints", endpoint_id), change))


@endpoints.command
def delete(endpoint_id: str, /, *, remote: Remote = HERE) -> None:
    """Delete an endpoint; what still waits for it is cancelled.

    Args:
        endpoint_id: Its id (ep_…).
    """
    remote.client().delete(route("endpoints", endpoint_id))
    remote.screen.answer({"id": endpoint_id, "deleted": True}, lambda: Text(f"{endpoint_id} is deleted."))


@endpoints.command(name="test")
def try_out(endpoint_id: str, /, *, remote: Remote = HERE) -> Exit:
    """Send the example of an endpoint's first event now, once; the exit code tells whether the receiver took it.

    Args:
        endpoint_id: Its id (ep_…).
    """
    result = remote.client().post(route("endpoints", endpoint_id, "test"))
    remote.screen.answer(result, lambda: _tested(result))
    return Exit.DONE if result["ok"] else Exit.NO


@endpoints.command
def secret(endpoint_id: str, /, *, remote: Remote = HERE) -> None:
    """Show an endpoint's signing secret.

    Args:
        endpoint_id: Its id (ep_…).
    """
    shown = remote.client().get(route("endpoints", endpoint_id, "secret"))
    remote.screen.answer(shown, lambda: Text(safe(shown["secret"])))


@endpoints.command
def rotate(
    endpoint_id: str, /, *, secret_file: Path | None = None, overlap: str = "24h", remote: Remote = HERE
) -> None:
    """Give an endpoint a new secret; deliveries are signed with the old one too until the overlap ends.

    Args:
        endpoint_id: Its id (ep_…).
        secret_file: A file with the new secret; else one is made.
        overlap: How long the old secret still counts; 0 ends it now.
    """
    asked: dict[str, Any] = {"overlap": int(span(overlap))}
    if secret_file is not None:
        asked["secret"] = read_text(secret_file).strip()
    made = remote.client().post(route("endpoints", endpoint_id, "secret", "rotate"), asked)
    until = moment(made["previous_expires_at"])
    remote.screen.answer(made, lambda: facts({"secret": made["secret"], "the old one counts until": until}))


@endpoints.command
def stats(endpoint_id: str, /, *, since: str = "24h", interval: str = "1h", remote: Remote = HERE) -> None:
    """Show how an endpoint fared.

    Args:
        endpoint_id: Its id (ep_…).
        since: From when on: a span such as 24h, or a time.
        interval: The length of one step.
    """
    asked = {"since": moment_since(since), "interval": int(span(interval))}
    found = remote.client().get(route("endpoints", endpoint_id, "stats"), **asked)
    remote.screen.answer(found, lambda: _stats(found))


def _answer(remote: Remote, endpoint: dict[str, Any]) -> None:
    remote.screen.answer(endpoint, lambda: facts(endpoint))


def _tested(result: Mapping[str, Any]) -> RenderableType:
    attempt = result.get("attempt") or {}
    said = f"the receiver answered {attempt['status_code']}" if attempt.get("status_code") else attempt.get("error")
    verdict = "ok" if result["ok"] else "failed"
    return facts(
        {
            "test": verdict,
            "because": said,
            "reachable": result["reachable"],
            "authenticated": result["authenticated"],
            "event": attempt.get("event_type"),
            "duration": f"{attempt['duration_ms']:.0f} ms" if attempt.get("duration_ms") is not None else None,
            "log": attempt.get("id"),
        }
    )


def _stats(found: Mapping[str, Any]) -> RenderableType:
    rate, latency = found["success_rate"], found["latency_ms"]
    summary = {
        "delivered": found["delivered"],
        "failed": found["failed"],
        "pending": found["pending"],
        "success rate": None if rate is None else f"{rate:.1%}",
        "latency p50 / p95 / p99": " / ".join("-" if latency[p] is None else f"{latency[p]:.1f} ms" for p in _SHARES),
    }
    busy = [step for step in found["series"] if step["delivered"] or step["failed"]]
    rows = [(moment(step["at"]), step["delivered"], step["failed"]) for step in busy]
    return Group(facts(summary), Text(), table(("FROM", "DELIVERED", "FAILED"), rows, "Nothing was sent."))
