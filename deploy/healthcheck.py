"""Asks the server beside it whether it is ready; ends with 0 when it is, else with 1 and the reason on stderr.

The image has neither curl nor wget, and needs none.
"""

# ruff: noqa: INP001 - a script of the image, no package

import http.client
import os
import sys

SECONDS = 5


def reason() -> str | None:
    """Say why the server is not ready; None when it is."""
    host, _, port = os.environ.get("REELHOOK_LISTEN", "127.0.0.1:8080").rpartition(":")
    # Who listens everywhere is reached on the loopback.
    host = {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(host, host.strip("[]"))  # noqa: S104 - compared with, not bound to
    connection = http.client.HTTPConnection(host, int(port), timeout=SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return (
            None if answer.status == http.client.OK else f"{answer.status} {answer.read(500).decode(errors='replace')}"
        )
    except (OSError, http.client.HTTPException) as wrong:
        return str(wrong) or type(wrong).__name__
    finally:
        connection.close()


if __name__ == "__main__":
    why = reason()
    sys.exit(f"not ready: {why}" if why else 0)
