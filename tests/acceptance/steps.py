"""The steps that acceptance tests share: register, publish, look, compare."""

import os
import shutil

import pytest
from tests.support.checker import Target, complaints, read_store, wait_until_closed

FAST_RETRY = {"kind": "fixed", "retries": 30, "delay": 0.05}


def need(tool):
    """Return the path of a tool; on a CI machine it must be there."""
    path = shutil.which(tool)
    if path is None and os.environ.get("CI"):
        pytest.fail(f"{tool} is needed here: apt-get install {tool}")
    if path is None:
        pytest.skip(f"{tool} is not installed")
    return path


def add_endpoint(api, receiver, path="/hook", **fields):
    """Register an endpoint at the receiver, with quick retries unless told otherwise."""
    made = api.post("/v1/endpoints", {"url": receiver.url(path), "retry": FAST_RETRY, **fields})
    return Target(made["id"], path, made["secret"], tuple(fields.get("events", ())))


def publish(api, number=0, **fields):
    """Publish one event and return its id."""
    event = {"type": "asset.updated", "data": {"nonce": f"n-{number}", "asset": {"id": "a1"}}, **fields}
    return api.post("/v1/events", event)["id"]


def attempts_of(api, event_id):
    """Return the attempts of an event, oldest first."""
    return api.get(f"/v1/logs?event_id={event_id}&limit=500")["items"][::-1]


def assert_all_accounts_agree(api, ledger, targets, receiver):
    """Wait for the last delivery, then compare what was accepted, what arrived and what is stored."""
    wait_until_closed(api)
    found = complaints(ledger, targets, receiver.receipts(), read_store(api))
    assert not found, f"{len(found)} contradictions, such as:\n" + "\n".join(found[:20])
