"""The dialects of the simulated world: the real ones, and one with VIDIZMO's temper and Vimeo's rule.

Strict endpoints retry transient errors only, at fixed intervals, and are disabled by any other error; touchy ones are
disabled when half of five attempts or more failed within a minute.
"""

from typing import Final

from reelhook.dialects.dialect import Defaults, Dialect, DisableRule
from reelhook.dialects.standard import Standard
from reelhook.dialects.table import dialect_named
from reelhook.model.endpoint import FixedRetry


class Strict(Standard):
    name: Final = "strict"
    defaults: Final = Defaults(
        retry=FixedRetry(3, 5),
        jitter=0.0,
        retries_non_transient=False,
        disable=DisableRule(gone=False, non_transient=True),
    )


class Touchy(Standard):
    name: Final = "touchy"
    defaults: Final = Defaults(retry=FixedRetry(2, 3), disable=DisableRule(failure_rate=0.5, of_attempts=5, within=60))


_OWN: Final[dict[str, Dialect]] = {"strict": Strict(), "touchy": Touchy()}


def dialect_of(name: str) -> Dialect:
    return _OWN.get(name) or dialect_named(name)
