"""The columns of an exported log, the same in every form of file."""

from typing import Final

from reelhook.model import ids
from reelhook.model.attempt import Attempt
from reelhook.model.instant import show_time

HEADER: Final = (
    "Application ID",
    "Date & Time",
    "Event Triggered",
    "Endpoint",
    "Retry Attempts",
    "Notification Status",
    "Status Code",
    "Error",
)


def cells(attempt: Attempt) -> tuple[str, ...]:
    """Write the cells of one attempt; the application's id is the endpoint's."""
    return (
        ids.show("ep", attempt.endpoint_id),
        show_time(attempt.at),
        attempt.event_name,
        attempt.url,
        str(attempt.number - 1),
        "succeeded" if attempt.succeeded else "failed",
        "" if attempt.status_code is None else str(attempt.status_code),
        attempt.error or "",
    )
