"""The roster: a lane for each endpoint that has had anything to send, as wide as its endpoint allows."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator

from reelhook.model.endpoint import Endpoint, EndpointState, Ordering
from reelhook.worker.circuit import Circuit, CircuitState
from reelhook.worker.lanes import Lane
from reelhook.worker.limits import Limits
from reelhook.worker.quota import FixedWindow, Quotas
from reelhook.worker.rate_window import RateWindow


class Roster:
    """Opens lanes, keeps them in step with their endpoints, and closes them."""

    def __init__(self, endpoint_of: Callable[[int], Endpoint | None], limits: Limits, quotas: Quotas) -> None:
        self._endpoint_of = endpoint_of
        self._limits = limits
        self._quotas = quotas
        self._circuits: Counter[CircuitState] = Counter()
        self.lanes: dict[int, Lane] = {}

    def __iter__(self) -> Iterator[Lane]:
        return iter(list(self.lanes.values()))

    def open(self, endpoint: Endpoint) -> Lane:
        """Make the lane of an endpoint."""
        lane = Lane(endpoint.id, endpoint.app_id, Circuit(self._limits.circuit, self._circuits))
        self.lanes[endpoint.id] = lane
        self.configure(lane, endpoint)
        return lane

    def configure(self, lane: Lane, endpoint: Endpoint) -> None:
        """Give a lane the limits and the state of its endpoint."""
        lane.permits = endpoint.concurrency or self._limits.per_endpoint
        lane.room = self._limits.room
        lane.ordered = endpoint.ordering is not Ordering.NONE
        if lane.ordered and endpoint.ordering is Ordering.ENDPOINT:
            lane.permits = 1
        rate = endpoint.rate_limit
        lane.rate = None if rate is None else RateWindow(rate.count, round(rate.per * 1000), lane.rate)
        lane.held = lane.foreign or lane.recalling or endpoint.state is not EndpointState.ACTIVE
        _draw_from(lane, self._quotas.window(endpoint.app_id, endpoint.dialect))

    def close(self, lane: Lane) -> None:
        """Forget a lane in which nothing is left."""
        _draw_from(lane, None)
        lane.circuit.succeeded()
        del self.lanes[lane.endpoint_id]

    def useless(self) -> Iterator[Lane]:
        """Yield the lanes in which nothing is left and whose endpoint is gone, or another node's."""
        for lane in self:
            if lane.is_at_rest() and (lane.foreign or self._endpoint_of(lane.endpoint_id) is None):
                yield lane

    def of(self, shards: Collection[int]) -> list[Lane]:
        """Return the lanes of some shards."""
        return [lane for lane in self.lanes.values() if lane.shard in shards]

    def circuits(self, endpoints: int) -> dict[str, int]:
        """Count so many endpoints by the state of their circuits, from a tally."""
        broken = {state.value: self._circuits[state] for state in (CircuitState.OPEN, CircuitState.PROBING)}
        return {CircuitState.CLOSED.value: max(0, endpoints - sum(broken.values())), **broken}

    # Quotas

    def app_changed(self, app_id: str) -> Iterator[Lane]:
        """Take over what an app may send by now; yield the lanes that have, or had, a quota."""
        self._quotas.changed(app_id)
        for lane in [lane for lane in self if lane.app_id == app_id]:
            before, endpoint = lane.quota, self._endpoint_of(lane.endpoint_id)
            _draw_from(lane, None if endpoint is None else self._quotas.window(app_id, endpoint.dialect))
            if before is not None or lane.quota is not None:
                yield lane

    def sharing(self, window: FixedWindow) -> list[Lane]:
        """Return the lanes that draw from a window, which learns how many of them may send."""
        lanes = [lane for lane in self if lane.quota is window]
        window.sharers = sum(not lane.held for lane in lanes)
        return lanes


def _draw_from(lane: Lane, window: FixedWindow | None) -> None:
    if window is not lane.quota:
        if lane.quota is not None:
            lane.quota.sharers = max(0, lane.quota.sharers - 1)
        if window is not None:
            window.sharers += 1
        lane.quota = window
