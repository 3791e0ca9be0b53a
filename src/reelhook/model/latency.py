"""Latency in buckets that grow by a factor, so that percentiles come from a few counters and never from a scan."""

import math
from collections.abc import Mapping
from typing import Final

_GROWTH: Final = 1.25
_SMALLEST_MS: Final = 0.25
BUCKETS: Final = 64
"""The last bucket begins at about 5 minutes."""


def bucket_of(milliseconds: float) -> int:
    """Return the bucket that a duration falls into."""
    if milliseconds <= _SMALLEST_MS:
        return 0
    return min(BUCKETS - 1, math.ceil(math.log(milliseconds / _SMALLEST_MS, _GROWTH)))


def upper_bound(bucket: int) -> float:
    """Return the longest duration (ms) of a bucket."""
    return _SMALLEST_MS * _GROWTH**bucket


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the duration (ms), to within a bucket, that `share` of the counted ones did not exceed; None without."""
    total = sum(counts.values())
    if not total:
        return None
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= share * total:
            return round(upper_bound(bucket), 3)
    return round(upper_bound(max(counts)), 3)
