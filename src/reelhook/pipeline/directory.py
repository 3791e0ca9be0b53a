"""The directory: what matching and sending need to know of apps, endpoints and event types, in memory, always current.

It is filled at the start and told of every change after its commit and before its answer, so that an endpoint that
exists for its owner exists for the next event.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final

from reelhook.dialects.dialect import Dialect
from reelhook.errors import Invalid
from reelhook.model.access import App
from reelhook.model.catalogue import BUILT_IN
from reelhook.model.endpoint import Endpoint
from reelhook.model.event_type import EventType
from reelhook.pipeline.match import Filter, compile_filter
from reelhook.pipeline.schema import Validator, compile_schema
from reelhook.pipeline.sign import Letterhead

_MOST_CACHED: Final = 2000
"""Event types of one app whose matches are remembered; publishers may invent names without end."""


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


class AppDirectory:
    """What one app has."""

    def __init__(self) -> None:
        self.app: App | None = None
        self.routes: dict[int, Route] = {}
        self.types: dict[str, EventType] = {}
        self.validators: dict[str, Validator] = {}
        self._matching: dict[str, tuple[Route, ...]] = {}

    def category_of(self, event_type: str) -> str:
        """Return an event type's category: its own where the app says one, else the first word of its name."""
        own = self.types.get(event_type)
        return own.category if own else event_type.partition(".")[0]

    def matching(self, event_type: str) -> tuple[Route, ...]:
        """Return the endpoints that subscribe to a type, whatever their conditions say of one event."""
        found = self._matching.get(event_type)
        if found is None:
            found = tuple(route for route in self.routes.values() if route.filter.names(event_type))
            if len(self._matching) >= _MOST_CACHED:
                self._matching.clear()
            self._matching[event_type] = found
        return found

    def forget_matches(self) -> None:
        """Work matches out anew from now on."""
        self._matching.clear()


class Directory:
    """All apps."""

    def __init__(self, dialect_of: Callable[[str], Dialect]) -> None:
        self._dialect_of = dialect_of
        self._apps: dict[str, AppDirectory] = {}
        self._routes: dict[int, Route] = {}

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
        self._of(app.id).app = app

    def remove_app(self, app_id: str) -> None:
        """Forget an app and its endpoints."""
        entry = self._apps.pop(app_id, None)
        for endpoint_id in entry.routes if entry else ():
            self._routes.pop(endpoint_id, None)

    def put(self, endpoint: Endpoint) -> None:
        """Take over an endpoint, new or changed."""
        entry = self._of(endpoint.app_id)
        dialect = self._dialect_of(endpoint.dialect)
        route = Route(endpoint, dialect, compile_filter(endpoint, dialect, entry.category_of))
        entry.routes[endpoint.id] = self._routes[endpoint.id] = route
        entry.forget_matches()

    def remove(self, endpoint_id: int) -> None:
        """Forget an endpoint."""
        route = self._routes.pop(endpoint_id, None)
        if route is not None:
            entry = self._of(route.endpoint.app_id)
            del entry.routes[endpoint_id]
            entry.forget_matches()

    def put_types(self, app_id: str, event_types: Sequence[EventType]) -> None:
        """Take over an app's own event types; their categories may change what endpoints subscribe to."""
        entry = self._of(app_id)
        entry.types = {event_type.name: event_type for event_type in event_types}
        self._compile_validators(entry)
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

    def matching(self, app_id: str, event_type: str) -> tuple[Route, ...]:
        """Return the endpoints of an app that subscribe to a type."""
        return self._of(app_id).matching(event_type)

    def knows(self, app_id: str, event_type: str) -> bool:
        """Tell whether a type is in the catalogue of the app."""
        return event_type in BUILT_IN or event_type in self._of(app_id).types

    def is_strict(self, app_id: str) -> bool:
        """Tell whether the app refuses event types that its catalogue does not know."""
        app = self.app(app_id)
        return app is not None and bool(app.limits.get("strict_types"))

    def validator(self, app_id: str, event_type: str) -> Validator | None:
        """Return what checks the data of a type at publish, where that is asked for."""
        return self._of(app_id).validators.get(event_type)

    def endpoints(self, app_id: str) -> Iterable[Endpoint]:
        """Return the endpoints of an app."""
        return [route.endpoint for route in self._of(app_id).routes.values()]

    def all_endpoints(self) -> Sequence[Endpoint]:
        """Return the endpoints of all apps."""
        return [route.endpoint for route in self._routes.values()]

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
