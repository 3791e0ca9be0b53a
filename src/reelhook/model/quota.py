"""A quota: what all endpoints of one dialect in an app may get together, where their system limits that."""

import msgspec


class Quota(msgspec.Struct, frozen=True, gc=False):
    """What an app may still send in the window that runs, this attempt counted; `reset_at` is wall time in ms."""

    limit: int
    remaining: int
    reset_at: int
