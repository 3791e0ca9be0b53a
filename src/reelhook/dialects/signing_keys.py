"""The keys of an endpoint, kept as hash objects that have swallowed the key already: a signature costs one copy each.

HMAC (RFC 2104) is `H(key ^ opad + H(key ^ ipad + text))`. Both inner states depend on the key alone, so they are made
once; `hmac.HMAC.copy()` does the same for twice the price.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from reelhook.model.secret import MASK, Secret

SIGNING_KEY: Final = "whsk_"
"""How a private Ed25519 key begins (Standard Webhooks 1.0.0)."""
VERIFYING_KEY: Final = "whpk_"
"""How a public Ed25519 key begins."""
SEED_SIZE: Final = 32

_BLOCK: Final = 64
_INNER: Final = bytes(number ^ 0x36 for number in range(256))
_OUTER: Final = bytes(number ^ 0x5C for number in range(256))
_ALPHABET: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}\Z")


class HmacKey:
    """One HMAC-SHA256 key; `expires_at` (wall time, ms) is when it stops to count, None when it is the current one."""

    __slots__ = ("_inner", "_outer", "expires_at")

    def __init__(self, key: bytes, expires_at: int | None = None) -> None:
        block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))
        self.expires_at = expires_at

    def digest(self, content: Sequence[bytes]) -> bytes:
        """Return the 32 bytes for the parts of a text, taken as one."""
        inner = self._inner.copy()
        for part in content:
            inner.update(part)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()

    def __repr__(self) -> str:
        return f"HmacKey({MASK})"


class HmacKeys:
    """All keys of one endpoint version: those for HMAC, current first, and the one for Ed25519 where there is one."""

    __slots__ = ("_ed25519", "_keys", "_only")

    def __init__(self, keys: Iterable[HmacKey] = (), signing_key: Secret | None = None) -> None:
        self._keys = tuple(keys)
        self._only = self._keys[0] if len(self._keys) == 1 and self._keys[0].expires_at is None else None
        self._ed25519 = private_key(signing_key) if signing_key is not None else None

    def hmac_sha256(self, content: Sequence[bytes], now: int) -> list[bytes]:
        """Return the digests under each key that counts at `now` (wall time, ms), current first."""
        if self._only is not None:
            return [self._only.digest(content)]
        return [key.digest(content) for key in self._keys if key.expires_at is None or now < key.expires_at]

    def ed25519(self, content: Sequence[bytes]) -> bytes | None:
        """Return the 64-byte signature, where the endpoint has such a key."""
        return self._ed25519.sign(b"".join(content)) if self._ed25519 is not None else None

    def __repr__(self) -> str:
        return f"HmacKeys({MASK})"


def strict_base64(text: str) -> bytes | None:
    """Decode standard base64, padded or not; None when it is anything else (Python's own decoder skips rubbish)."""
    if not _ALPHABET.match(text):
        return None
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return None


def new_signing_key(random_bytes: bytes) -> str:
    """Write a private Ed25519 key from 32 random bytes."""
    return SIGNING_KEY + base64.b64encode(random_bytes[:SEED_SIZE]).decode()


def private_key(signing_key: Secret) -> Ed25519PrivateKey:
    """Read a private key: 32 bytes of seed, or libsodium's 64 (seed and public key).

    Raises:
        ValueError: it is neither.
    """
    seed = strict_base64(signing_key.reveal().removeprefix(SIGNING_KEY))
    if seed is None or len(seed) not in (SEED_SIZE, 2 * SEED_SIZE):
        raise ValueError("an Ed25519 key is whsk_ followed by the base64 of 32 or 64 bytes")
    return Ed25519PrivateKey.from_private_bytes(seed[:SEED_SIZE])


def verifying_key(signing_key: Secret) -> str:
    """Return the public half (`whpk_…`), which receivers verify `v1a` signatures with."""
    public = private_key(signing_key).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return VERIFYING_KEY + base64.b64encode(public).decode()
