"""`accept` and `deliver`: how much goes through in a steady state."""

import time
from typing import Any

from tests.support.program import until

from bench import bound, figures
from bench.rig import Rig

WARM_UP = 3.0


def accept(rig: Rig, seconds: float) -> dict[str, Any]:
    """Post as fast as it goes, with no endpoint there: the cost of the promise alone."""
    raw = rig.raw_limit(seconds / 3)
    hand = rig.publish()
    before, after = rig.window(hand, WARM_UP, seconds)
    sent = hand.ask("stop")
    accepted = after.accepted - before.accepted
    rate = accepted / (after.at - before.at)
    return {
        "accepted/s": rate,
        "refused": sent.refused,
        "time to 202 (ms)": figures.spread([sent.answer_times]),
        "raw posts/s": raw,
        "ratio to raw": rate / raw,
        **bound.commits(before, after, accepted),
        **bound.cpu(before, after, accepted),
    }


def deliver(rig: Rig, seconds: float, fan_out: int, window: int, groups: int) -> dict[str, Any]:
    """Post as fast as deliveries arrive: events accepted, delivered and recorded in a steady state."""
    types = spread(rig, groups, fan_out)
    raw = rig.raw_limit(seconds / 3)
    hand = rig.publish(window=window, fan_out=fan_out, types=types)
    before, after = rig.window(hand, WARM_UP, seconds)
    sent = hand.ask("stop")
    messages = after.received - before.received
    rates = bound.rates(before, after)
    return {
        "endpoints": len(rig.endpoints),
        **rates,
        "refused": sent.refused,
        "events/s": min(rates["accepted/s"], rates["received/s"] / fan_out, rates["recorded/s"] / fan_out),
        "time to 202 (ms)": figures.spread([sent.answer_times]),
        "raw posts/s": raw,
        "ratio to raw": rates["received/s"] / raw,
        **bound.commits(before, after, messages),
        **bound.cpu(before, after, messages),
        **settle(rig, sent.accepted, fan_out),
    }


def type_names(groups: int) -> tuple[str, ...]:
    """Return the event types of the groups of `spread`."""
    return tuple(f"bench.group{group}" for group in range(groups))


def spread(rig: Rig, groups: int, fan_out: int = 1, **fields: Any) -> tuple[str, ...]:
    """Add groups of `fan_out` endpoints, each with an event type of its own; return the types, which take turns."""
    types = type_names(groups)
    for group, event_type in enumerate(types):
        for number in range(fan_out):
            rig.add_endpoint(f"/h/{group}-{number}", events=[event_type], **fields)
    return types


def settle(rig: Rig, accepted: int, fan_out: int) -> dict[str, Any]:
    """Wait until everything that was accepted is recorded as delivered, and compare the sums."""
    start, wanted = time.monotonic(), accepted * fan_out
    until(lambda: sum(map(rig.recorded, rig.endpoints)) >= wanted, "everything is recorded", pause=0.2)
    counts = rig.receiver.ask("read").counts
    received = sum(count for path, count in counts.items() if path.startswith("/h/"))
    sums = {"accepted x endpoints": wanted, "received": received, "recorded": sum(map(rig.recorded, rig.endpoints))}
    return {"in the end": sums | {"after s": time.monotonic() - start}}
