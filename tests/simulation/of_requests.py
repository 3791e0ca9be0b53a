"""Invariants of what receivers get: whose it is, what it says, who signed it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from standardwebhooks.webhooks import Webhook
from tests.simulation.evidence import Course, Evidence
from tests.simulation.ledger import Exchange

from reelhook.model.endpoint import Endpoint
from reelhook.model.secret import Secret

Found = Iterator[tuple[str, Course | None]]


def nothing_is_received_from_nowhere(evidence: Evidence) -> Found:
    """Every request is about a delivery that the store knows."""
    for exchange in evidence.strangers:
        yield f"exchange {exchange.number} to {exchange.host}{exchange.path} of {exchange.message_id}", None


def apps_never_mix(evidence: Evidence) -> Found:
    """What an endpoint gets was published in its own app."""
    for exchange in evidence.ledger.exchanges:
        history = evidence.endpoint(exchange)
        data = msgspec.json.decode(exchange.body)["data"]
        known = evidence.published.get(str(data.get("nonce")))
        app_id = known[0].app_id if known else data.get("app_id")
        if history is None or app_id != history.app_id:
            yield f"exchange {exchange.number}: of app {app_id}, to {history and history.app_id}", None


def bodies_and_signatures_are_right(evidence: Evidence) -> Found:
    """The body says what was published; its timestamp is that of the attempt."""
    for course in evidence.courses.values():
        for exchange in course.exchanges:
            body = msgspec.json.decode(exchange.body)
            if body["data"] != msgspec.json.decode(course.event.data) or body["type"] != course.event.type:
                yield f"exchange {exchange.number} carries {body}", course
            if int(exchange.headers["webhook-timestamp"]) != exchange.wall // 1000:
                yield f"exchange {exchange.number} was signed for another time", course


def requests_use_the_current_version(evidence: Evidence) -> Found:
    """URL and signatures are those of a version that was in force when the request began: not one from before."""
    for course in evidence.courses.values():
        history = evidence.ledger.endpoints.get(course.delivery.endpoint_id)
        for exchange in course.exchanges if history else ():
            versions = [one.endpoint for one in history.possible(exchange.begun, exchange.begun)]
            if not any(as_wanted(exchange, version) for version in versions):
                wanted = [(version.version, version.url) for version in versions]
                yield f"exchange {exchange.number} to {exchange.path} fits none of {wanted}", course


def as_wanted(exchange: Exchange, endpoint: Endpoint) -> bool:
    """Tell whether a request goes where this version wants it, with its signatures."""
    secrets = [endpoint.secret, *(one.secret for one in endpoint.retired_secrets if one.expires_at > exchange.wall)]
    signatures = {_signature(exchange, secret) for secret in secrets if secret is not None}
    return endpoint.url.endswith(exchange.host + exchange.path) and signatures == set(
        exchange.headers["webhook-signature"].split(" ")
    )


def _signature(exchange: Exchange, secret: Secret) -> str:
    """Sign with the public Standard Webhooks package what was received."""
    at = datetime.fromtimestamp(int(exchange.headers["webhook-timestamp"]), UTC)
    return Webhook(secret.reveal()).sign(exchange.message_id, at, exchange.body.decode())
