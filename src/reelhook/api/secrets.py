"""The secret of an endpoint: show it, replace it. Both are in the audit log."""

from typing import Annotated

import msgspec
from msgspec import Meta

from reelhook.api.endpoint_document import etag
from reelhook.api.endpoint_form import check
from reelhook.api.endpoints import changed_meanwhile, name_of, require_match, store, this
from reelhook.api.exchange import Answer, Call
from reelhook.api.lists import Time
from reelhook.api.reading import Input, invalid
from reelhook.dialects.dialect import Dialect
from reelhook.dialects.foreign import text_secret
from reelhook.dialects.table import dialect_named
from reelhook.dialects.webhook_signature import SHORTEST_KEY
from reelhook.errors import Conflict, NotFound
from reelhook.model.endpoint import Endpoint, RetiredSecret
from reelhook.model.instant import show_time
from reelhook.model.secret import MASK, Secret

MOST_RETIRED = 10
DAY = 86_400
WEEK = 7 * DAY


class SecretDocument(msgspec.Struct):
    """The secret as the receiver needs it to verify."""

    secret: str


class RotateInput(Input):
    """The new secret, made when it is left out, and how long (s) deliveries are signed with the old one too."""

    secret: Secret | None = None
    overlap: Annotated[int, Meta(ge=0, le=WEEK)] = DAY


class RotatedDocument(msgspec.Struct):
    """The new secret, and until when the old one counts; null: there was none, or it has ended."""

    secret: str
    previous_expires_at: Time | None


async def read(call: Call) -> SecretDocument:
    """Show the secret."""
    endpoint = this(call)
    if endpoint.secret is None:
        raise NotFound("this endpoint has no secret")
    await call.services.audit.add(call.entry("secret.revealed", name_of(endpoint)))
    return SecretDocument(endpoint.secret.reveal())


async def rotate(call: Call, body: RotateInput) -> Answer[RotatedDocument]:
    """Replace the secret; deliveries carry both signatures until the overlap is over."""
    async with call.turns.of(("endpoint", call.id("ep", "endpoint"))):
        current = this(call)
        require_match(call, current)
        dialect = dialect_named(current.dialect)
        now = call.services.clock.wall()
        secret = _new_secret(body, dialect, call.services.random_bytes(SHORTEST_KEY))
        expires_at = now + body.overlap * 1000 if body.overlap and current.secret else None
        endpoint = msgspec.structs.replace(
            current,
            version=current.version + 1,
            updated_at=now,
            secret=secret,
            retired_secrets=_retired(current, secret, expires_at, now) if body.overlap else (),
        )
        check(call, endpoint, dialect)
        previous = None if expires_at is None else show_time(expires_at)
        answer = Answer(RotatedDocument(secret.reveal(), previous), headers=etag(endpoint))
        with changed_meanwhile(call):
            await store(call, current, endpoint, "secret.rotated", call.kept(answer))
    return answer


def _new_secret(body: RotateInput, dialect: Dialect, random_bytes: bytes) -> Secret:
    if body.secret is None:
        return Secret(dialect.new_secret(random_bytes) or text_secret(random_bytes))
    if body.secret == Secret(MASK):
        raise invalid("give the new secret itself, or leave it out and one is made", "/secret")
    return body.secret


def _retired(current: Endpoint, secret: Secret, expires_at: int | None, now: int) -> tuple[RetiredSecret, ...]:
    """Return what is still signed with beside the new secret, newest first."""
    retired = [old for old in current.retired_secrets if old.expires_at > now and old.secret != secret]
    if current.secret is not None and current.secret != secret and expires_at is not None:
        retired.insert(0, RetiredSecret(current.secret, expires_at))
    if len(retired) > MOST_RETIRED:
        raise Conflict(f"{MOST_RETIRED} secrets are still in their overlap; rotate with overlap 0 to end them all")
    return tuple(retired)
