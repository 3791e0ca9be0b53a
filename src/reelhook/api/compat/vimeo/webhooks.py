"""Webhooks, as Vimeo's clients manage them."""

import re
from typing import Any, Final

from reelhook.api.compat import endpoints
from reelhook.api.compat.vimeo.access import require_capability
from reelhook.api.compat.vimeo.document import VimeoWebhookDocument, VimeoWebhookPage, media_type, show, show_page
from reelhook.api.compat.vimeo.form import (
    WORDS,
    VimeoPageQuery,
    VimeoWebhookInput,
    VimeoWebhookQuery,
    changes,
    endpoint_form,
)
from reelhook.api.exchange import Answer, Call
from reelhook.api.reading import Patch, read_input
from reelhook.dialects.vimeo import VIMEO
from reelhook.errors import Malformed, NotFound
from reelhook.model.endpoint import Endpoint

_ID: Final = re.compile(r"[1-9][0-9]{0,18}\Z")
_ID_BITS: Final = 63


async def index(call: Call, query: VimeoPageQuery) -> Answer[VimeoWebhookPage]:
    """List the webhooks of an app, newest first, by pages. Parameters that are not known are let pass."""
    found = endpoints.of_dialect(call, VIMEO)
    pages = max(1, -(-len(found) // query.per_page))
    if query.page > pages:
        raise NotFound(f"there is no page {query.page}; the last one is {pages}")
    uri = f"/apps/{call.app_id}/webhooks"
    return _answer(call, show_page(found, uri, query.page, query.per_page, pages))


async def create(call: Call, raw: bytes, query: VimeoWebhookQuery) -> Answer[VimeoWebhookDocument]:  # noqa: ARG001
    """Create a webhook; it is not enabled unless it says so. The same may be created again: that is another one."""
    require_capability(call)
    form = read_input(VimeoWebhookInput, _required(raw))
    endpoint = endpoints.prepare(call, endpoint_form(form), WORDS)
    answer = _answer(call, show(endpoint, reveal=True))
    await endpoints.add(call, endpoint, answer)
    return answer


async def read(call: Call, query: VimeoWebhookQuery) -> Answer[VimeoWebhookDocument]:  # noqa: ARG001
    """Read a webhook."""
    return _answer(call, show(_this(call)))


async def change(
    call: Call,
    raw: bytes,
    body: Patch[VimeoWebhookInput],
    query: VimeoWebhookQuery,  # noqa: ARG001
) -> Answer[VimeoWebhookDocument]:
    """Change what is given of a webhook, and keep the rest; a secret of null takes the secret away."""
    require_capability(call)
    _required(raw)
    endpoint = _this(call)
    values = changes(body, endpoint)
    if values:
        endpoint = await endpoints.change(call, endpoint, values, WORDS)
    return _answer(call, show(endpoint, reveal="secret" in values))


async def remove(call: Call, query: VimeoWebhookQuery) -> None:  # noqa: ARG001
    """Delete a webhook."""
    require_capability(call)
    await endpoints.remove(call, _this(call))


def _this(call: Call) -> Endpoint:
    text = call.parts["webhook_id"]
    number = int(text) if _ID.match(text) else 0
    return endpoints.named(call, VIMEO, number if number.bit_length() <= _ID_BITS else None)


def _required(raw: bytes) -> bytes:
    """Return the body; Malformed when there is none."""
    if not raw.strip():
        raise Malformed("there is no body; send a JSON object")
    return raw


def _answer(call: Call, document: Any) -> Answer[Any]:
    return Answer(document, headers={"content-type": media_type(call.headers.get("accept"))})
