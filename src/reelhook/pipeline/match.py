"""Match: which endpoints an event is for. One filter for each endpoint version, compiled once."""

from collections.abc import Callable

from reelhook.dialects.canonical_names import EVERYTHING
from reelhook.dialects.dialect import Dialect
from reelhook.errors import FieldError
from reelhook.model.endpoint import Conditions, Endpoint
from reelhook.model.event import Event, is_operational
from reelhook.pipeline.changes import check_changes, entries_for, objection
from reelhook.pipeline.expression import Expression

CategoryOf = Callable[[str], str]
"""Tells the category of an event type of the endpoint's app."""


class Filter:
    """What one endpoint wants to hear of.

    `names` is about the type alone, so that its answer can be kept for each type; `accepts` looks into the event and
    needs to be asked only when the filter is not `unconditional`.
    """

    def __init__(self, endpoint: Endpoint, dialect: Dialect, category_of: CategoryOf) -> None:
        self._endpoint = endpoint
        self._dialect = dialect
        self._category_of = category_of
        self._expression: Expression | None = None
        self._broken: str | None = None
        conditions = endpoint.conditions
        self.unconditional = conditions == Conditions() and not dialect.defaults.remembers_context
        if conditions.expression is not None:
            try:
                self._expression = Expression(conditions.expression)
            except ValueError as error:
                # It compiled when it was saved: an older release took it. It matches nothing, and says why.
                self._broken = f"conditions.expression cannot be used: {error}"

    def names(self, event_type: str) -> bool:
        """Tell whether the endpoint's `events` name this type; operational events must be named on purpose."""
        if self._dialect.name_of(event_type, self._endpoint) is None:
            return False
        entries = self._endpoint.events
        if is_operational(event_type):
            entries = tuple(entry for entry in entries if entry != EVERYTHING)
        elif not entries:
            return True
        category = self._category_of(event_type)
        return any(self._dialect.subscribes(entry, event_type, category) for entry in entries)

    def asks_context(self, event_type: str) -> bool:
        """Tell whether the first context of its asset can decide about an event of this type that says none itself."""
        if not self._dialect.defaults.remembers_context:
            return False
        bare = Event(0, self._endpoint.app_id, event_type, b"{}", 0, 0)
        without, given = (self._dialect.objection(bare, self._endpoint, one) for one in (None, "given"))
        return without is not None and given is None

    def accepts(self, event: Event, first_context: str | None = None) -> bool:
        """Tell whether the endpoint's conditions, and its dialect's own, hold of an event whose type it names."""
        return self.unconditional or self._objection(event, first_context) is None

    def explain(self, event: Event, first_context: str | None = None) -> str | None:
        """Say in plain words why the event is not for the endpoint; None when it is."""
        if not self.names(event.type):
            return f"the endpoint's events do not name {event.type}"
        return None if self.unconditional else self._objection(event, first_context)

    def _objection(self, event: Event, first_context: str | None) -> str | None:
        refused = self._dialect.objection(event, self._endpoint, first_context)
        if refused is not None or self._broken is not None:
            return refused or self._broken
        changes = self._endpoint.conditions.changes
        entries = entries_for(changes, event.type, self._category_of(event.type), self._dialect)
        reason = objection(entries, event) if entries else None
        if reason is None and self._expression is not None:
            reason = self._expression.objection(event)
        return reason


def compile_filter(endpoint: Endpoint, dialect: Dialect, category_of: CategoryOf) -> Filter:
    """Make the filter of one endpoint version; never fails for what was saved."""
    return Filter(endpoint, dialect, category_of)


def check_conditions(conditions: Conditions) -> list[FieldError]:
    """Say what is wrong with conditions before they are saved; the expression is compiled for it."""
    errors = check_changes(conditions.changes)
    if conditions.expression is not None:
        try:
            Expression(conditions.expression)
        except ValueError as error:
            errors.append(FieldError(str(error), "/conditions/expression"))
    return errors
