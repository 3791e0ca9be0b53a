"""Plays a life through Reelhook: publishes each event, waits until it has arrived, and keeps account."""

import queue
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from reelhook.cli.client import Client, route
from reelhook.cli.demo.life import Step
from reelhook.cli.demo.receiver import Arrival, Receiver
from reelhook.cli.outcome import Exit, Stop
from reelhook.model.secret import Secret

BUSY_WITH: Final = "asset.processed"
"""The event that the receiver does not take the first time."""
FIRST_WAIT: Final = 1
"""Seconds before the second attempt."""
_RETRY: Final = {"kind": "schedule", "delays": [FIRST_WAIT, 2, 4]}
_PATIENCE: Final = 20.0
_CLOSED: Final = ("delivered", "failed", "cancelled")
_PAUSE: Final = 0.05


class Played(msgspec.Struct):
    """What came of it. `wrong` has a sentence for everything that was not as it should be."""

    endpoint_id: str
    published: list[str] = []
    arrivals: list[Arrival] = []
    deliveries: list[dict[str, Any]] = []
    attempts: list[dict[str, Any]] = []
    wrong: list[str] = []

    @property
    def retried(self) -> dict[str, Any] | None:
        """The delivery that took more than one attempt."""
        return next((each for each in self.deliveries if each["attempts"] > 1), None)


def play(
    client: Client,
    receiver: Receiver,
    steps: Iterable[Step],
    published: Callable[[str, str], None],
    arrived: Callable[[Arrival], None],
) -> Played:
    """Register the receiver and play all steps; `published` and `arrived` are told as it happens."""
    endpoint = _register(client, receiver)
    played = Played(endpoint["id"])
    receiver.be_busy_once(BUSY_WITH)
    for event_type, data in steps:
        event = client.post(route("events"), {"type": event_type, "data": data})
        played.published.append(event["id"])
        published(event_type, event["id"])
        _await(receiver, event["id"], data, played, arrived)
    played.deliveries = _settled(client, len(played.published))
    played.attempts = client.list(route("logs"), 100)["items"]
    played.wrong += _complaints(played)
    return played


def _register(client: Client, receiver: Receiver) -> dict[str, Any]:
    wanted = {"name": "Demo receiver", "url": receiver.url, "events": ["asset.*"], "retry": _RETRY}
    endpoint: dict[str, Any] = client.post(route("endpoints"), wanted)
    receiver.secret = Secret(endpoint["secret"])
    return endpoint


def _await(
    receiver: Receiver, event_id: str, data: dict[str, Any], played: Played, arrived: Callable[[Arrival], None]
) -> None:
    """Take arrivals until this event was answered with success."""
    while True:
        try:
            arrival = receiver.arrivals.get(timeout=_PATIENCE)
        except queue.Empty:
            raise Stop(f"event {event_id} did not arrive within {_PATIENCE:.0f} s", Exit.NO) from None
        played.arrivals.append(arrival)
        arrived(arrival)
        if arrival.message_id == event_id and arrival.data != data:
            played.wrong.append(f"the data of {arrival.event_type} differ from what was published")
        if arrival.message_id == event_id and arrival.answered < 300:
            return


def _settled(client: Client, count: int) -> list[dict[str, Any]]:
    """Wait until the last answer is recorded too, and return the deliveries, oldest first."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        found: list[dict[str, Any]] = client.list(route("deliveries"), 100)["items"]
        if len(found) == count and all(each["state"] in _CLOSED for each in found):
            return found[::-1]
        if time.monotonic() > deadline:
            raise Stop(f"not all of the {count} deliveries were recorded within {_PATIENCE:.0f} s", Exit.NO)
        time.sleep(_PAUSE)


def _complaints(played: Played) -> list[str]:
    wrong = [f"{each.event_type} was not verified: {each.reason}" for each in played.arrivals if not each.verified]
    wrong += [f"{each['event_type']} is {each['state']}" for each in played.deliveries if each["state"] != "delivered"]
    if played.retried is None:
        wrong.append(f"{BUSY_WITH} was not tried again")
    if len(played.attempts) != len(played.arrivals):
        wrong.append(f"the log has {len(played.attempts)} attempts, the receiver got {len(played.arrivals)}")
    return wrong
