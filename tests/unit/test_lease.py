"""The lease of a node: its margins, which leave time to send however short it is."""

import pytest

from reelhook.model.shard import shard_of
from reelhook.worker.keeper import LAST_SECONDS, LEASE_SECONDS, MARGIN_SECONDS, Lease

ENDPOINT = 7


def test_the_usual_lease_keeps_the_margins_whole():
    shards = Lease().shards()
    shards.renewed({shard_of(ENDPOINT): 1}, 0)
    assert shards.until == (LEASE_SECONDS - MARGIN_SECONDS) * 1000
    assert shards.ends == (LEASE_SECONDS - LAST_SECONDS) * 1000


@pytest.mark.parametrize("seconds", [3.0, 5.0, 15.0, 600.0])
def test_a_lease_of_any_length_outlasts_two_renewals(seconds):
    shards = Lease(seconds).shards()
    shards.renewed({shard_of(ENDPOINT): 1}, 0)
    assert 2 * seconds / 3 * 1000 < shards.until < shards.ends < seconds * 1000
