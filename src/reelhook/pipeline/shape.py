"""Shape: an event in the words of the endpoint's dialect."""

import msgspec

from reelhook.dialects.dialect import Context, Dialect
from reelhook.errors import Invalid, NotExpressible
from reelhook.model.endpoint import Endpoint
from reelhook.model.event import Event
from reelhook.pipeline.values import Shaped


def shape(event: Event, endpoint: Endpoint, dialect: Dialect, context: Context) -> Shaped:
    """Make the body of a delivery; `context` is what prepare learned.

    Raises:
        Invalid: the dialect cannot express this event (problem type `not-expressible`), or the data are not JSON.
    """
    name = dialect.name_of(event.type, endpoint)
    if name is None:
        detail = f"The {dialect.name} dialect has no word for {event.type}; no endpoint of that dialect receives it."
        raise NotExpressible(detail)
    try:
        return Shaped(name, dialect.shape(event, endpoint, context))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Invalid(f"The event's data cannot be taken apart to choose fields: {error}.") from None
