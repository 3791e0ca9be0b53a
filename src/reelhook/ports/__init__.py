"""The seams: what the pipeline, the workers and the API need of the world, each small, named by need.

`store` and `transport` implement them; tests and the simulator put scripted ones in the place of `Wire` and `Clock`.
Methods that return an awaitable touch the disk through the group commit, or read pages off the loop; plain methods
are point reads (a few microseconds) and may be called anywhere in the loop.
"""

from reelhook.ports.accepting import (
    Acceptance,
    Committing,
    Contexts,
    Key,
    NewDelivery,
    SealedAnswer,
    StoredKey,
    Telling,
    Tellings,
    Told,
)
from reelhook.ports.journal import Journal
from reelhook.ports.nodes import Holding, Members
from reelhook.ports.outside import AccessToken, Clock, Credentials, FreshLinks, Links, Wire
from reelhook.ports.records import Answers, AuditLog, Log, Notices, Tasks, Upkeep
from reelhook.ports.registries import Apps, Endpoints, EventTypes, Tokens
from reelhook.ports.sending import (
    AttemptRecord,
    Claimed,
    Completion,
    Delivered,
    HandOver,
    History,
    Orphans,
    PastAttempt,
    Queue,
    Rescued,
    Taken,
    Wait,
)

__all__ = [
    "Acceptance",
    "AccessToken",
    "Answers",
    "Apps",
    "AttemptRecord",
    "AuditLog",
    "Claimed",
    "Clock",
    "Committing",
    "Completion",
    "Contexts",
    "Credentials",
    "Delivered",
    "Endpoints",
    "EventTypes",
    "FreshLinks",
    "HandOver",
    "History",
    "Holding",
    "Journal",
    "Key",
    "Links",
    "Log",
    "Members",
    "NewDelivery",
    "Notices",
    "Orphans",
    "PastAttempt",
    "Queue",
    "Rescued",
    "SealedAnswer",
    "StoredKey",
    "Taken",
    "Tasks",
    "Telling",
    "Tellings",
    "Tokens",
    "Told",
    "Upkeep",
    "Wait",
    "Wire",
]
