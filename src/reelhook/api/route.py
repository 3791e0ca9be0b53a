"""A route: method, path, what it does and who may; what it takes and gives is read off the function's signature."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from reelhook.api.access import Rule
from reelhook.api.exchange import Answer
from reelhook.api.reading import Patch

BodyLimit = Literal["body", "event", "batch"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True)
class Route:
    """One line of the API.

    `run` takes a `Call` and, by these names: `body` (a typed input, or a `Patch` of one), `raw` (the bytes), `query`
    (the typed query string). It returns a document, an `Answer`, `Text`, a `Stream`, or None for 204. `access` None
    means that no token is asked for. A `once` route heeds `Idempotency-Key`. `takes` and `gives` name what
    the signature cannot say.
    """

    method: Method
    path: str
    run: Callable[..., Awaitable[Any]]
    access: Rule | None
    summary: str
    status: int = 200
    once: bool = False
    limit: BodyLimit = "body"
    takes: Any = None
    gives: Any = None
    also: int | None = None
    media_type: str = "application/json"
    other_types: tuple[str, ...] = ()

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.run)

    @cached_property
    def arguments(self) -> frozenset[str]:
        """The names of what `run` takes beside the call."""
        return frozenset(inspect.signature(self.run).parameters) - {"call"}

    @cached_property
    def patches(self) -> bool:
        """Tell whether the body is a merge-patch."""
        return get_origin(self._hints.get("body")) is Patch

    @property
    def merges(self) -> bool:
        """Tell whether what the body leaves out stays as it is."""
        return self.method in {"PATCH", "PUT"}

    @cached_property
    def input(self) -> Any:
        """The type of the body, None where there is none."""
        if self.takes is not None:
            return self.takes
        body = self._hints.get("body")
        return get_args(body)[0] if self.patches else body

    @cached_property
    def query(self) -> Any:
        """The type of the query string, None where nothing can be asked."""
        return self._hints.get("query")

    @cached_property
    def output(self) -> Any:
        """The type of the document that is answered, None for an empty answer."""
        if self.gives is not None:
            return self.gives
        given = self._hints["return"]
        if get_origin(given) is Answer:
            given = get_args(given)[0]
        return None if given is NoneType else given

    @property
    def outputs(self) -> tuple[Any, ...]:
        """The documents that it may answer, one for `status` and one for `also`."""
        given = self.output
        return get_args(given) if self.also and get_origin(given) in (Union, UnionType) else (given,)
