"""Endpoints as a foreign API manages them: found by its ids, changed by the code of our own API, with its checks,
locks and audit.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from reelhook.api import endpoints
from reelhook.api.endpoint_form import EndpointInput, make
from reelhook.api.exchange import Call, absent, found
from reelhook.api.reading import Patch
from reelhook.dialects.dialect import Dialect
from reelhook.errors import FieldError, Invalid
from reelhook.model import ids
from reelhook.model.endpoint import Endpoint

Words = Mapping[str, str]
"""The fields of an endpoint, each with its name in the foreign API."""


def of_dialect(call: Call, dialect: Dialect) -> list[Endpoint]:
    """Return every endpoint of the app that speaks a dialect, however it was made, newest first."""
    return [endpoint for endpoint in endpoints.every(call) if endpoint.dialect == dialect.name]


def named(call: Call, dialect: Dialect, number: int | None) -> Endpoint:
    """Return the endpoint with this number, if it speaks the dialect; NotFound when there is none."""
    endpoint = None if number is None else call.services.endpoints.get(call.app_id, number)
    if endpoint is None or endpoint.dialect != dialect.name:
        raise absent("webhook")
    return endpoint


def prepare(call: Call, form: EndpointInput, words: Words) -> Endpoint:
    """Make an endpoint and check it whole; nothing is stored.

    Raises:
        Invalid: and everything that is wrong, in the words of the foreign API.
    """
    with _said_in(words):
        return make(call, form)


async def add(call: Call, endpoint: Endpoint, answer: object) -> None:
    """Store a new endpoint, and with it the answer, where the request has an `Idempotency-Key`."""
    await endpoints.add(call, endpoint, answer)


async def change(call: Call, endpoint: Endpoint, values: Mapping[str, Any], words: Words) -> Endpoint:
    """Merge these fields into an endpoint as a PATCH of ours would, and return it as it is then.

    Raises:
        Invalid: and everything that is wrong, in the words of the foreign API.
    """
    with _said_in(words):
        await endpoints.change(_about(call, endpoint), Patch(EndpointInput, values))
    return found(call.services.endpoints.get(call.app_id, endpoint.id), "webhook")


async def remove(call: Call, endpoint: Endpoint) -> None:
    """Delete an endpoint."""
    await endpoints.remove(_about(call, endpoint))


def _about(call: Call, endpoint: Endpoint) -> Call:
    """Return the call as one of our own API about this endpoint. Foreign APIs know no versions: `If-Match` is not
    theirs.
    """
    headers = {name: value for name, value in call.headers.items() if name != "if-match"}
    return replace(call, parts={"id": ids.show("ep", endpoint.id)}, headers=headers)


@contextmanager
def _said_in(words: Words) -> Iterator[None]:
    try:
        yield
    except Invalid as error:
        first = error.errors[0].pointer if error.errors else ""
        error.errors = tuple(FieldError(one.detail, _translated(one.pointer, words)) for one in error.errors)
        if first and error.detail.startswith(first):
            error.detail = _translated(first, words) + error.detail.removeprefix(first)
        raise


def _translated(pointer: str, words: Words) -> str:
    """Name the field that a pointer leads into; what the foreign API has no field for keeps its own name."""
    field = pointer.removeprefix("/").partition("/")[0]
    return f"/{words[field]}" if field in words else pointer
