#!/usr/bin/env python3
# ruff: noqa: T201 - a script to read, copy and run: it prints, and is no package
"""Receives webhooks from Reelhook and verifies them with the public library (pip install standardwebhooks).

    WEBHOOK_SECRET=whsec_… python3 receiver.py          # listens on 127.0.0.1:9000, or on $PORT

A receiver does four things: check the signature over the raw body, answer quickly with 2xx, remember the id (an event
can arrive twice, always with the same `webhook-id`), and only then work with it.
"""

import json
import os
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

LARGEST = 2 << 20
"""Events have up to 1 MiB unless the server is set to more; what a dialect wraps around them comes on top."""


def verifier() -> Webhook:
    """Make the verifier of our secret."""
    secret = os.environ.get("WEBHOOK_SECRET", "")
    with suppress(ValueError):  # what is not base64
        if secret:
            return Webhook(secret)
    sys.exit("Set WEBHOOK_SECRET to the endpoint's secret (whsec_...); `reelhook endpoints secret ep_...` shows it.")


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is signed with our secret, 401 to everything else."""

    protocol_version = "HTTP/1.1"
    webhook = verifier()
    seen: set[str] = set()  # noqa: RUF012 - shared by all requests on purpose; a real receiver keeps it in its database

    def do_POST(self) -> None:
        """Take one delivery."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            self.close_connection = True
            self.answer(413)
            return
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            self.webhook.verify(body, headers)
        except (WebhookVerificationError, ValueError):  # garbage in a header or body is a ValueError of the library
            self.answer(401)
            return
        self.answer(204)
        if headers["webhook-id"] not in self.seen:
            self.seen.add(headers["webhook-id"])
            self.work(json.loads(body))

    def answer(self, status: int) -> None:
        """Answer with a status and nothing else."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def work(self, message: dict[str, object]) -> None:
        """Do what the event asks for; here it is printed."""
        print(message["type"], json.dumps(message["data"]), flush=True)


if __name__ == "__main__":
    address = ("127.0.0.1", int(os.environ.get("PORT", "9000")))
    print("receiving on http://{}:{}".format(*address), flush=True)
    ThreadingHTTPServer(address, Receiver).serve_forever()
