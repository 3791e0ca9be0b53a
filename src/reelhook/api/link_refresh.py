"""Where an app's links are refreshed, as a client gives it: an address that may be called, a secret that can sign."""

from reelhook.api.exchange import Call
from reelhook.api.reading import invalid
from reelhook.dialects import webhook_signature
from reelhook.dialects.foreign import LONGEST_SECRET
from reelhook.errors import FieldError
from reelhook.model.access import App, LinkRefresh
from reelhook.model.address import refuse_literal
from reelhook.model.secret import MASK, Secret
from reelhook.model.url import parse_target


def check_link_refresh(call: Call, where: LinkRefresh) -> list[FieldError]:
    """Check the address as an endpoint's is checked, and the secret."""
    refused = _refusal(call, where.url)
    errors = [] if refused is None else [FieldError(refused, "/link_refresh/url")]
    wrong = _flaw(where.secret)
    return errors if wrong is None else [*errors, FieldError(wrong, "/link_refresh/secret")]


def keep_secret(wanted: LinkRefresh | None, current: App | None) -> LinkRefresh | None:
    """Put the stored secret in the place of its mask."""
    if wanted is None or wanted.secret != Secret(MASK):
        return wanted
    if current is None or current.link_refresh is None:
        raise invalid(f"{MASK} stands for what is stored, and nothing is", "/link_refresh/secret")
    return LinkRefresh(wanted.url, current.link_refresh.secret)


def _refusal(call: Call, url: str) -> str | None:
    try:
        target = parse_target(url)
    except ValueError as error:
        return str(error)
    if call.services.https_only and target.scheme != "https":
        return "this installation calls https URLs only"
    return refuse_literal(target, tuple(call.services.exceptions))


def _flaw(secret: Secret) -> str | None:
    """Say what is wrong with a secret: it is `whsec_` and base64 as in Standard Webhooks, or any other text."""
    text = secret.reveal()
    if text.startswith(webhook_signature.SECRET):
        errors = webhook_signature.check_secret(secret)
        return errors[0].detail if errors else None
    return None if 1 <= len(text) <= LONGEST_SECRET else f"a secret has 1 to {LONGEST_SECRET} characters"
