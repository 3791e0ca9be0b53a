"""Seals values at rest: AES-256-GCM, each under a fresh nonce and bound to the place where it stands.

A sealed value is the key's id (4 bytes), the nonce (12 bytes) and the ciphertext with its tag (NIST SP 800-38D).
The place (app, table, row, field) is authenticated with it, so that a value copied into another tenant's row, another
version or another field of the same row cannot be opened. The key's id tells which key to open it with after a
rotation.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from typing import ClassVar, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reelhook.errors import ReelhookError

KEY_BYTES: Final = 32
_KEY_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = _KEY_ID_BYTES + _NONCE_BYTES
_MARK: Final = "sealed:"
_BROKEN: Final = (
    "a sealed value in the database cannot be opened: its row was changed or copied by hand, "
    "or it was sealed with another key"
)


class SealBroken(ReelhookError):
    """A sealed value was altered, moved, or sealed with a key that is not known here."""

    slug: ClassVar[str] = "seal-broken"
    title: ClassVar[str] = "A stored secret cannot be read"


class Sealer:
    """Seals with one key; opens with that and with retired ones. Keys are 32 bytes and never shown."""

    def __init__(self, key: bytes, retired: Sequence[bytes] = ()) -> None:
        self._key_id = _key_id(key)
        self._ciphers = {_key_id(one): AESGCM(one) for one in (key, *retired)}

    @property
    def key_id(self) -> bytes:
        """Which key it seals with: the beginning of every value that it seals."""
        return self._key_id

    @property
    def other_ids(self) -> list[bytes]:
        """Which further keys it opens with."""
        return [one for one in self._ciphers if one != self._key_id]

    def opens(self, sealed: bytes, place: bytes) -> bool:
        """Tell whether a value can be opened."""
        try:
            self.open(sealed, place)
        except SealBroken:
            return False
        return True

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether a value is sealed with the key that this one seals with."""
        return bytes(sealed[:_KEY_ID_BYTES]) == self._key_id

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """Return the value sealed for this place only."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._key_id + nonce + self._ciphers[self._key_id].encrypt(nonce, plain, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Return the value that was sealed for this place.

        Raises:
            SealBroken: it was altered, comes from another place, or its key is not known.
        """
        cipher = self._ciphers.get(bytes(sealed[:_KEY_ID_BYTES]))
        if cipher is None:
            raise SealBroken(_BROKEN)
        try:
            return cipher.decrypt(sealed[_KEY_ID_BYTES:_HEAD_BYTES], sealed[_HEAD_BYTES:], place)
        except (InvalidTag, ValueError):
            raise SealBroken(_BROKEN) from None

    def seal_text(self, text: str, place: bytes) -> str:
        """Seal a text into a text that a JSON document can hold."""
        return _MARK + base64.b64encode(self.seal(text.encode(), place)).decode()

    def open_text(self, sealed: str, place: bytes) -> str:
        """Open a text; one that was never sealed is refused too, so that nobody can plant a secret.

        Raises:
            SealBroken: as for `open`.
        """
        return self.open(_raw(sealed), place).decode()

    def renew_text(self, sealed: str, place: bytes) -> str:
        """Return a text sealed with the key of today: the same one where it is that already, and opens.

        Raises:
            SealBroken: as for `open`.
        """
        plain = self.open_text(sealed, place)
        return sealed if self.is_current(_raw(sealed)) else self.seal_text(plain, place)


def _raw(sealed: str) -> bytes:
    if not sealed.startswith(_MARK):
        raise SealBroken(_BROKEN)
    try:
        return base64.b64decode(sealed[len(_MARK) :], validate=True)
    except binascii.Error:
        raise SealBroken(_BROKEN) from None


def place_of(*parts: str | int) -> bytes:
    """Write where a value stands, unambiguously, as the associated data of its seal."""
    return msgspec.json.encode(parts)


def _key_id(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key is {KEY_BYTES} bytes, not {len(key)}")
    return hashlib.sha256(b"reelhook key id" + key).digest()[:_KEY_ID_BYTES]
