"""The connection test: what a try of an endpoint shows, and the rule of systems that save nothing before it passed."""

from typing import Final

import msgspec

from reelhook.api.exchange import Call
from reelhook.api.logs import AttemptDetailDocument, show_detail
from reelhook.dialects.table import dialect_named
from reelhook.errors import ConnectionTestFailed, FieldError
from reelhook.model.attempt import AttemptDetail
from reelhook.model.endpoint import Endpoint

_CONNECTION: Final = ("dialect", "url", "auth", "headers")
"""What a test is about: when one of these is another, it has to pass again."""
_CREDENTIALS: Final = frozenset({401, 403})


class TestDocument(msgspec.Struct):
    """How a test went. `reachable`: a whole answer came. `authenticated`: it was not 401 or 403."""

    ok: bool
    reachable: bool
    authenticated: bool
    attempt: AttemptDetailDocument


async def run_test(call: Call, endpoint: Endpoint, *, saved: bool) -> TestDocument:
    """Send the example of the endpoint's first event, once; the result changes nothing."""
    return _result(await call.services.test(endpoint, saved))


def must_pass(endpoint: Endpoint, current: Endpoint | None = None) -> bool:
    """Tell whether an endpoint, or this change of one, may be saved only after a test."""
    wanted = dialect_named(endpoint.dialect).defaults.tested_before_saving
    return wanted and (current is None or not same_connection(endpoint, current))


def same_connection(one: Endpoint, other: Endpoint) -> bool:
    """Tell whether a test of one says the same about the other."""
    return all(getattr(one, name) == getattr(other, name) for name in _CONNECTION)


async def require_connection(call: Call, endpoint: Endpoint) -> None:
    """Test an endpoint that is not saved yet.

    Raises:
        ConnectionTestFailed: the receiver did not answer 2xx; the whole result goes with it.
    """
    result = await run_test(call, endpoint, saved=False)
    if result.ok:
        return
    detail = f"nothing was saved, because the connection test failed: {result.attempt.error}"
    where = "/auth" if result.attempt.status_code in _CREDENTIALS else "/url"
    raise ConnectionTestFailed(detail, errors=(FieldError(detail, where),), members={"test": result})


def _result(detail: AttemptDetail) -> TestDocument:
    status = detail.response_status
    reachable = status is not None
    return TestDocument(
        ok=detail.attempt.succeeded,
        reachable=reachable,
        authenticated=reachable and status not in _CREDENTIALS,
        attempt=show_detail(detail),
    )
