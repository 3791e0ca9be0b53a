"""`latency`: events leave at a given rate, whatever happens; how old are they when they arrive?"""

import time
from typing import Any

from bench import bound, figures
from bench.rig import Rig
from bench.throughput import WARM_UP, deliver, spread, type_names


def half_of_maximum(rig: Rig, window: int, groups: int) -> float:
    """Measure for some seconds what can be delivered at most, and return half of it (events a second)."""
    return float(deliver(rig, 6.0, 1, window, groups)["events/s"]) / 2


def latency(rig: Rig, seconds: float, rate: float, groups: int) -> dict[str, Any]:
    """Publish at a rate, one endpoint for each event: from the moment of writing the request to the arrival at the
    receiver.
    """
    types = type_names(groups) if rig.endpoints else spread(rig, groups)
    hand = rig.publish(rate=rate, types=types)
    time.sleep(WARM_UP)
    rig.receiver.ask("clear")
    before, after = rig.window(hand, 0, seconds)
    arrived = rig.receiver.ask("clear")
    sent = hand.ask("stop")
    messages = after.received - before.received
    return {
        "asked for/s": rate,
        **bound.rates(before, after),
        "refused": sent.refused,
        "publish to received (ms)": figures.spread(arrived.ages.values()),
        "due to received (ms)": figures.spread(arrived.ages_due.values()),
        "load left late by (ms)": figures.spread([sent.lags]),
        "time to 202 (ms)": figures.spread([sent.answer_times]),
        **bound.commits(before, after, messages),
        **bound.cpu(before, after, messages),
    }
