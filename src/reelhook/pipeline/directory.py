"""The directory: what matching and sending need to know of apps, endpoints and event types, in memory, always current.

It is filled at the start and told of every change after its commit and before its answer, so that an endpoint that
exists for its owner exists for the next event.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final

from reelhook.dialects.dialect import Dialect
from reelhook.errors import Invalid
from reelhook.model.access import App, LinkRefresh
from reelhook.model.catalogue import BUILT_IN
from reelhook.model.endpoint import Endpoint, EndpointState, RateLimit
from reelhook.model.event_type import EventType
from reelhook.pipeline.match import Filter, compile_filter
from reelhook.pipeline.schema import Validator, compile_schema
from reelhook.pipeline.sign import Letterhead

_MOST_CACHED: Final = 2000
"""Event types of one app that are remembered; publishers may invent names without end."""
_MOST_REMOVED: Final = 1000
"""Endpoints that are remembered after their end, for what was on its way to them."""


class Route:
    """One endpoint version with all that was worked out for it: its dialect, its filter, its letterhead."""

    __slots__ = ("_letterhead", "dialect", "endpoint", "filter")

    def __init__(self, endpoint: Endpoint, dialect: Dialect, compiled: Filter) -> None:
        self.endpoint = endpoint
        self.dialect = dialect
        self.filter = compiled
        self._letterhead: Letterhead | None = None

    @property
    def letterhead(self) -> Letterhead:
        """The header lines and keys that all its requests share, made when first needed."""
        if self._letterhead is None:
            self._letterhead = Letterhead(self.endpoint, self.dialect)
        return self._letterhead


class Topic:
    """What an app makes of one event type, worked out once: which endpoints name it, whether it is refused, what checks
    its data. `unconditional` tells that no endpoint has to look into the event, `asks_context` that one must know the
    first context of its asset; `shared` are those in whose dialect other types bear the same name.
    """

    __slots__ = ("asks_context", "refused", "routes", "shared", "unconditional", "validator")

    def __init__(
        self, event_type: str, routes: tuple[Route, ...], validator: Validator | None, *, refused: bool
    ) -> None:
        self.routes = routes
        self.unconditional = all(route.filter.unconditional for route in routes)
        self.asks_context = any(route.filter.asks_context(event_type) for route in routes)
        self.shared = tuple(route for route in routes if event_type in route.dialect.shared)
        self.validator = validator
        self.refused = refused


class AppDirectory:
    """What one app has."""

    def __init__(self) -> None:
        self.app: App | None = None
        self.routes: dict[int, Route] = {}
        self.types: dict[str, EventType] = {}
        self.validators: dict[str, Validator] = {}
        self._topics: dict[str, Topic] = {}
        self.recalling: set[int] = set()

    def category_of(self, event_type: str) -> str:
        """Return an event type's category: its own where the app says one, else the first word of its name."""
        own = self.types.get(event_type)
        return own.category if own else event_type.partition(".")[0]

    def topic(self, event_type: str) -> Topic:
        """Return what there is to know of a type, whatever the endpoints' conditions say of one event."""
        found = self._topics.get(event_type)
        if found is None:
            routes = tuple(route for route in self.routes.values() if route.filter.names(event_type))
            refused = self.is_strict() and not self.knows(event_type)
            found = Topic(event_type, routes, self.validators.get(event_type), refused=refused)
            if len(self._topics) >= _MOST_CACHED:
                self._topics.clear()
            self._topics[event_type] = found
        return found

    def knows(self, event_type: str) -> bool:
        """Tell whether a type is in the catalogue."""
        return event_type in BUILT_IN or event_type in self.types

    def is_strict(self) -> bool:
        """Tell whether the app refuses event types that its catalogue does not know."""
        return self.app is not None and bool(self.app.limits.get("strict_types"))

    def forget_topics(self) -> None:
        """Work them out anew from now on."""
        self._topics.clear()


class Directory:
    """All apps."""

    def __init__(self, dialect_of: Callable[[str], Dialect]) -> None:
        self._dialect_of = dialect_of
        self._apps: dict[str, AppDirectory] = {}
        self._routes: dict[int, Route] = {}
        self._removed: dict[int, Endpoint] = {}
        self.link_refreshes: dict[str, LinkRefresh] = {}
        self._states: Counter[EndpointState] = Counter()

    def load(self, apps: Iterable[App], event_types: Iterable[EventType], endpoints: Iterable[Endpoint]) -> None:
        """Fill it at the start."""
        for app in apps:
            self.put_app(app)
        for event_type in event_types:
            self._of(event_type.app_id or "").types[event_type.name] = event_type
        for entry in self._apps.values():
            self._compile_validators(entry)
        for endpoint in endpoints:
            self.put(endpoint)

    def put_app(self, app: App) -> None:
        """Take over an app, new or changed."""
        entry = self._of(app.id)
        entry.app = app
        self.link_refreshes.pop(app.id, None)
        if app.link_refresh is not None:
            self.link_refreshes[app.id] = app.link_refresh
        entry.forget_topics()

    def remove_app(self, app_id: str) -> None:
        """Forget an app and its endpoints."""
        entry = self._apps.pop(app_id, None)
        self.link_refreshes.pop(app_id, None)
        for endpoint_id in entry.routes if entry else ():
            self._bury(endpoint_id)

    def put(self, endpoint: Endpoint) -> None:
        """Take over an endpoint, new or changed."""
        entry = self._of(endpoint.app_id)
        dialect = self._dialect_of(endpoint.dialect)
        route = Route(endpoint, dialect, compile_filter(endpoint, dialect, entry.category_of))
        self._drop(endpoint.id)
        self._states[endpoint.state] += 1
        entry.routes[endpoint.id] = self._routes[endpoint.id] = route
        entry.recalling.discard(endpoint.id)
        if dialect.defaults.remembers_context or dialect.shared:
            entry.recalling.add(endpoint.id)
        entry.forget_topics()

    def remove(self, endpoint_id: int) -> None:
        """Forget an endpoint."""
        route = self._bury(endpoint_id)
        if route is not None:
            entry = self._of(route.endpoint.app_id)
            del entry.routes[endpoint_id]
            entry.recalling.discard(endpoint_id)
            entry.forget_topics()

    def put_types(self, app_id: str, event_types: Sequence[EventType]) -> None:
        """Take over an app's own event types; their categories may change what endpoints subscribe to."""
        entry = self._of(app_id)
        entry.types = {event_type.name: event_type for event_type in event_types}
        self._compile_validators(entry)
        entry.forget_topics()
        for route in list(entry.routes.values()):
            self.put(route.endpoint)

    def app(self, app_id: str) -> App | None:
        """Return an app."""
        entry = self._apps.get(app_id)
        return entry.app if entry else None

    def route(self, endpoint_id: int) -> Route | None:
        """Return an endpoint's current version, ready for use; None when it is gone."""
        return self._routes.get(endpoint_id)

    def endpoint(self, endpoint_id: int) -> Endpoint | None:
        """Return an endpoint's current version; None when it is gone."""
        route = self._routes.get(endpoint_id)
        return route.endpoint if route else None

    def removed(self, endpoint_id: int) -> Endpoint | None:
        """Return the last version of an endpoint that was removed not long ago."""
        return self._removed.get(endpoint_id)

    def topic(self, app_id: str, event_type: str) -> Topic:
        """Return what an app makes of a type."""
        return self._of(app_id).topic(event_type)

    def recalls(self, app_id: str) -> bool:
        """Tell whether an endpoint of an app may want to know what went before an event."""
        entry = self._apps.get(app_id)
        return entry is not None and bool(entry.recalling)

    def matching(self, app_id: str, event_type: str) -> tuple[Route, ...]:
        """Return the endpoints of an app that subscribe to a type."""
        return self._of(app_id).topic(event_type).routes

    def quota_of(self, app_id: str, dialect: str) -> RateLimit | None:
        """Return how much all endpoints of a dialect in an app may get together; None without a limit."""
        app = self.app(app_id)
        return None if app is None else self._dialect_of(dialect).quota(app)

    def endpoints(self, app_id: str) -> Iterable[Endpoint]:
        """Return the endpoints of an app."""
        return [route.endpoint for route in self._of(app_id).routes.values()]

    def states(self) -> dict[str, int]:
        """Count the endpoints of all apps by state, from a tally."""
        return {state.value: self._states[state] for state in EndpointState}

    def _drop(self, endpoint_id: int) -> Route | None:
        route = self._routes.pop(endpoint_id, None)
        if route is not None:
            self._states[route.endpoint.state] -= 1
        return route

    def _bury(self, endpoint_id: int) -> Route | None:
        """Drop an endpoint, and know it for a while as what its last attempts were meant for."""
        route = self._drop(endpoint_id)
        if route is not None:
            self._removed[endpoint_id] = route.endpoint
            if len(self._removed) > _MOST_REMOVED:
                del self._removed[next(iter(self._removed))]
        return route

    def _of(self, app_id: str) -> AppDirectory:
        entry = self._apps.get(app_id)
        if entry is None:
            entry = self._apps[app_id] = AppDirectory()
        return entry

    def _compile_validators(self, entry: AppDirectory) -> None:
        entry.validators = {}
        for name, event_type in entry.types.items():
            if event_type.validate:
                # It compiled when it was saved; one that an older release took and this one refuses checks nothing.
                with suppress(Invalid):
                    entry.validators[name] = compile_schema(event_type.schema)
