"""The headers of a Vimeo delivery: the signature under one or two names, and how the app's quota stands."""

import re
from typing import Final

from reelhook.errors import FieldError
from reelhook.model.endpoint import Endpoint
from reelhook.model.header_names import is_forbidden, is_legal
from reelhook.model.instant import show_time
from reelhook.model.pointer import pointer
from reelhook.model.quota import Quota

Headers = list[tuple[str, str]]

SIGNATURE: Final = "X-Webhook-Signature"
LIMIT: Final = "X-Webhook-RateLimit-Limit"
REMAINING: Final = "X-Webhook-RateLimit-Remaining"
RESET: Final = "X-Webhook-RateLimit-Reset"
OWN: Final = frozenset(name.lower() for name in (SIGNATURE, LIMIT, REMAINING, RESET))

PREFIX_OPTION: Final = "signature_prefix"
ALIAS_OPTION: Final = "signature_alias_header"
ECHO_OPTION: Final = "secret_in_body"

_PREFIX: Final = re.compile(r"[\x21-\x7e]{0,32}\Z")
_TAKEN: Final = OWN | {"accept", "authorization"}


def signature_headers(signature: str, endpoint: Endpoint) -> Headers:
    """Return the signature as this endpoint's receiver expects it."""
    options = endpoint.options
    if not options:
        return [(SIGNATURE, signature)]
    value = options.get(PREFIX_OPTION, "") + signature
    alias = options.get(ALIAS_OPTION, "")
    return [(name, value) for name in (SIGNATURE, alias) if name]


def quota_headers(quota: Quota) -> Headers:
    """Return how many requests the app has in a window, how many are left, and when the next window can begin."""
    return [(LIMIT, str(quota.limit)), (REMAINING, str(quota.remaining)), (RESET, show_time(quota.reset_at))]


def check_custom(endpoint: Endpoint) -> list[FieldError]:
    """Refuse custom headers by the names of ours: a receiver would not know which one counts."""
    return [
        FieldError(f"{name} is written by this dialect; use a name of your own", pointer("headers", name))
        for name in endpoint.headers
        if name.lower() in OWN
    ]


def check_prefix(prefix: object) -> list[FieldError]:
    """Say what is wrong with what stands before a signature."""
    if not isinstance(prefix, str) or _PREFIX.match(prefix):
        return []
    return [
        FieldError(
            "signature_prefix is at most 32 visible ASCII characters, such as sha256=",
            pointer("options", PREFIX_OPTION),
        )
    ]


def check_alias(endpoint: Endpoint) -> list[FieldError]:
    """Say what is wrong with the second name of the signature header."""
    alias = endpoint.options.get(ALIAS_OPTION, "")
    if not isinstance(alias, str) or not alias:
        return []
    if not is_legal(alias):
        detail = "a header name is 1 to 128 letters, digits and -, without blanks or a colon"
    elif is_forbidden(alias) or alias.lower() in _TAKEN:
        detail = f"{alias} is set by Reelhook or by gateways on the way; name another, such as X-Vimeo-Signature"
    elif alias.lower() in {name.lower() for name in endpoint.headers}:
        detail = f"{alias} is one of the endpoint's own headers already; leave out one of the two"
    else:
        return []
    return [FieldError(detail, pointer("options", ALIAS_OPTION))]
