"""What a start says: where Reelhook listens, the operator's token, and a line to paste that publishes an event."""

import sys
from typing import Final

SAMPLE: Final = '{"type":"asset.created","data":{"asset":{"id":"ast_1","kind":"video","title":"First light"}}}'
MADE: Final = "made"
"""The token was made at this first start; it is shown now and never again."""
SETTINGS: Final = "settings"
"""The token is the one of REELHOOK_OPERATOR_TOKEN; it is not repeated."""
KEPT: Final = "kept"
"""The token was made at an earlier start."""

_ABOUT: Final = {
    SETTINGS: "taken from REELHOOK_OPERATOR_TOKEN",
    KEPT: "the one shown at the first start (lost? set REELHOOK_OPERATOR_TOKEN and start again)",
}


def announce(url: str, token: str | None, source: str) -> None:
    """Print how to reach this server; `source` is `made`, `settings` or `kept`, `token` is shown for `made` only.

    Plain lines on stdout, never folded, so that they can be pasted and searched for.
    """
    made = token if source == MADE else None
    about = f"{made}   (shown only this once: keep it)" if made else _ABOUT.get(source, source)
    sys.stdout.write(
        f"\nReelhook listens on {url}\n"
        f"  operator token: {about}\n"
        f"  documentation:  {url}/docs\n\n"
        f"Publish a first event:\n\n  {curl_line(url, made)}\n\n"
    )
    sys.stdout.flush()


def announce_worker(url: str, _token: str | None, _source: str) -> None:
    """Print what a node with the role `worker` is there for."""
    sys.stdout.write(
        f"\nReelhook sends what other nodes accept (REELHOOK_ROLE=worker)\n"
        f"  to watch it:    {url}/readyz and {url}/metrics\n\n"
    )
    sys.stdout.flush()


def curl_line(url: str, token: str | None) -> str:
    """Write the command that publishes an event; without a token it takes it from the shell's variable, or says so."""
    bearer = (
        f"'Authorization: Bearer {token}'"
        if token
        else '"Authorization: Bearer ${REELHOOK_TOKEN:?export it first: the operator token}"'
    )
    return f"curl -sS -w '\\n' -X POST {url}/v1/events -H {bearer} -H 'Content-Type: application/json' -d '{SAMPLE}'"
