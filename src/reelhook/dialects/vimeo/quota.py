"""How many requests a minute an app may have, by the type of its Vimeo account."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from reelhook.model.access import App

ACCOUNT_QUOTAS: Final[Mapping[str, int]] = MappingProxyType(
    {"free": 25, "starter": 125, "standard": 250, "advanced": 750, "studio": 1500, "enterprise": 2500}
)
"""Requests in each window, by `vimeo.account_type`: those that Vimeo documents for its API without `fields`."""
WINDOW: Final = 60.0
"""Seconds from the first request of a window to its reset."""
OWN_QUOTA: Final = "vimeo_quota"
"""The entry of an app's `limits` that takes the place of its account's quota."""


def quota_of_app(app: App) -> int:
    """Return how many requests an app has in each window."""
    own = app.limits.get(OWN_QUOTA)
    if isinstance(own, int):
        return own
    return ACCOUNT_QUOTAS.get(app.vimeo.account_type, ACCOUNT_QUOTAS["enterprise"])
