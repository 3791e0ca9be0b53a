"""`dialects`: what each dialect costs, as the program's CPU for a message, over `standard` with the same events."""

import statistics
from collections.abc import Callable
from typing import Any, Final

from bench import bound
from bench.rig import Rig
from bench.throughput import WARM_UP

_WORDS: Final = {
    "vimeo": ("asset.uploaded", "video-created"),
    "vidizmo": ("asset.uploaded", "MashupAdded"),
    "videocloud": ("asset.uploaded", "video.uploaded"),
    "scaleflex": ("asset.uploaded", "on_upload"),
    "wochit": ("asset.processed", "video.ready"),
}
"""What is published, and what each dialect calls it."""
_SIGNED: Final = frozenset({"vimeo", "videocloud"})


def dialects(rig: Callable[[], Rig], seconds: float, rounds: int, window: int) -> dict[str, Any]:
    """Deliver the same events in each dialect and in the standard one, by turns, each with a program of its own."""
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for dialect, (event_type, name) in _WORDS.items():
            pair = [_cost(rig, each, event_type, name, seconds, window) for each in ("standard", dialect)]
            found.setdefault(dialect, []).append((pair[0], pair[1]))
    return {
        dialect: {
            "us/message": statistics.median(own for _, own in pairs),
            "standard us/message": statistics.median(standard for standard, _ in pairs),
            "ratio": statistics.median(own / standard for standard, own in pairs),
        }
        for dialect, pairs in found.items()
    }


def _cost(make: Callable[[], Rig], dialect: str, event_type: str, name: str, seconds: float, window: int) -> float:
    """Return the program's CPU for a message, in microseconds."""
    with make() as rig:
        rig.api.ask("PATCH", "/v1/apps/default", {"limits": {"vimeo_quota": 1_000_000}}).ok()
        fields: dict[str, Any] = {"secret": "of-the-bench"} if dialect in _SIGNED else {}
        rig.add_endpoint("/h/0", [event_type if dialect == "standard" else name], dialect=dialect, **fields)
        hand = rig.publish(window=window, types=(event_type,), asset=True)
        before, after = rig.window(hand, WARM_UP, seconds)
        hand.ask("stop")
        line = bound.cpu(before, after, after.received - before.received)["CPU program"]
        return float(line["us/message"])
