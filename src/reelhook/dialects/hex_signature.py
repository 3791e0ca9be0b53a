"""The plainest signature: lower-case hex of the HMAC-SHA256 over the raw body, in one header."""

from reelhook.dialects.dialect import SigningKeys


def sign(body: bytes, keys: SigningKeys, now: int) -> str | None:
    """Return the signature under the current secret, None without one; receivers of this kind know a single key."""
    digests = keys.hmac_sha256((body,), now)
    return digests[0].hex() if digests else None
