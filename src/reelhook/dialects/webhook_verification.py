"""Verification of Standard Webhooks 1.0.0, for receivers in Python: the reference libraries do not know `v1a`."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from reelhook.dialects.signing_keys import SEED_SIZE, VERIFYING_KEY, HmacKey, strict_base64
from reelhook.dialects.webhook_signature import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, key_of
from reelhook.errors import Unauthorized
from reelhook.model.secret import Secret

TOLERANCE: Final = 300
"""Seconds that a timestamp may lie off; the reference libraries' value."""


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret], verifying_keys: Sequence[str], now: int
) -> None:
    """Accept a message that one of the keys signed within five minutes of `now` (Unix seconds).

    Each version is checked with keys of its own kind only, so no token can choose how it is verified.

    Raises:
        Unauthorized: it is not such a message; the detail says why.
        ValueError: one of the keys is no key.
    """
    digests = [HmacKey(key_of(secret)) for secret in secrets]
    publics = [_public_key(key) for key in verifying_keys]
    message_id, stamp, tokens = _read(headers)
    _check_time(stamp, now)
    content = f"{message_id}.{stamp}.".encode() + body
    for token in tokens.split(" "):
        version, _, text = token.partition(",")
        signature = strict_base64(text) or b""
        if version == "v1" and any(hmac.compare_digest(key.digest((content,)), signature) for key in digests):
            return
        if version == "v1a" and any(_verifies(key, signature, content) for key in publics):
            return
    raise _refused("no v1 or v1a signature was made with a key that is known here; the secret or the body differs")


def _read(headers: Mapping[str, str]) -> tuple[str, str, str]:
    found = {name.lower(): value for name, value in headers.items()}
    for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER):
        if not found.get(name):
            raise _refused(f"the header {name} is missing")
    return found[ID_HEADER], found[TIMESTAMP_HEADER], found[SIGNATURE_HEADER]


def _check_time(stamp: str, now: int) -> None:
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 15):
        raise _refused("webhook-timestamp is not a whole number of seconds")
    if abs(now - int(stamp)) > TOLERANCE:
        raise _refused(f"webhook-timestamp lies more than {TOLERANCE} s off; check the clock, or it is a replay")


def _public_key(verifying_key: str) -> Ed25519PublicKey:
    raw = strict_base64(verifying_key.removeprefix(VERIFYING_KEY))
    if raw is None or len(raw) != SEED_SIZE:
        raise ValueError("a verifying key is whpk_ followed by the base64 of 32 bytes")
    return Ed25519PublicKey.from_public_bytes(raw)


def _verifies(public: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        public.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _refused(reason: str) -> Unauthorized:
    return Unauthorized(f"The webhook is not verified: {reason}.", slug="bad-signature")
