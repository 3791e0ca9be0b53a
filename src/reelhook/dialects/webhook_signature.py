"""The signature of Standard Webhooks 1.0.0: `{id}.{timestamp}.{body}`, HMAC-SHA256 as `v1`, Ed25519 as `v1a`.

What is sent verifies with the public libraries unchanged, so only `v1,…` and `v1a,…` tokens are written, joined by one
space: the Python library crashes on anything else, and none of them knows `v1a`, so it comes in addition, never alone.
"""

import base64
from binascii import b2a_base64
from typing import Final

from reelhook.dialects.dialect import SigningKeys
from reelhook.dialects.signing_keys import strict_base64
from reelhook.errors import FieldError
from reelhook.model.secret import Secret

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
SECRET: Final = "whsec_"  # noqa: S105 - the prefix that tells a secret, not one
SHORTEST_KEY: Final = 24
LONGEST_KEY: Final = 64
ED25519_OPTION: Final = "ed25519"
"""The option that adds a `v1a` signature."""


def new_secret(random_bytes: bytes) -> str:
    """Write a secret from 24 random bytes (they encode without padding, on which decoders disagree)."""
    return SECRET + base64.b64encode(random_bytes[:SHORTEST_KEY]).decode()


def check_secret(secret: Secret) -> list[FieldError]:
    """Say what is wrong with a secret that a client brought."""
    text = secret.reveal()
    key = strict_base64(text.removeprefix(SECRET)) if text.startswith(SECRET) else None
    if key is None:
        return [FieldError("a secret is whsec_ followed by standard base64; leave it out and one is made", "/secret")]
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        detail = f"a secret holds {SHORTEST_KEY} to {LONGEST_KEY} bytes, this one {len(key)}"
        return [FieldError(detail, "/secret")]
    return []


def key_of(secret: Secret) -> bytes:
    """Return the bytes that a secret stands for.

    Raises:
        ValueError: it is no such secret.
    """
    key = strict_base64(secret.reveal().removeprefix(SECRET))
    if not key:
        raise ValueError("a secret is whsec_ followed by standard base64")
    return key


def key_of_text(secret: Secret) -> bytes:
    """Return the bytes behind a well-formed `whsec_`, or those of any other text as it stands."""
    return secret.reveal().encode() if check_secret(secret) else key_of(secret)


def sign(body: bytes, message_id: str, timestamp: int, keys: SigningKeys, now: int) -> list[tuple[str, str]]:
    """Return the three headers; `timestamp` is Unix seconds of this attempt, `now` wall time in ms."""
    stamp = str(timestamp)
    content = (f"{message_id}.{stamp}.".encode(), body)
    tokens = ["v1," + b2a_base64(digest, newline=False).decode() for digest in keys.hmac_sha256(content, now)]
    asymmetric = keys.ed25519(content)
    if asymmetric is not None:
        tokens.append("v1a," + base64.b64encode(asymmetric).decode())
    headers = [(ID_HEADER, message_id), (TIMESTAMP_HEADER, stamp)]
    if tokens:
        headers.append((SIGNATURE_HEADER, " ".join(tokens)))
    return headers
