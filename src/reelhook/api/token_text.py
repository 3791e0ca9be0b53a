"""The text of a token: `rhk_`, 32 characters of randomness, a checksum; only its SHA-256 is ever stored."""

import hashlib
import zlib
from typing import Final

PREFIX: Final = "rhk_"
RANDOM_BYTES: Final = 24
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_DIGITS: Final = 33
"""24 bytes in base 62."""
_CHECK_DIGITS: Final = 6


def new_token(random_bytes: bytes) -> str:
    """Write a token from 24 random bytes: `rhk_<random>_<checksum>`, so that scanners and typing errors are noticed."""
    random = _digits(int.from_bytes(random_bytes[:RANDOM_BYTES], "big"), _RANDOM_DIGITS)
    return f"{PREFIX}{random}_{_checksum(random)}"


def token_hash(text: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(text.encode()).digest()


def looks_right(text: bytes) -> bool:
    """Tell whether the checksum of a text that looks like one of ours is right; the operator's own text has none."""
    if not text.startswith(PREFIX.encode()):
        return True
    random, _, check = text[len(PREFIX) :].decode("latin-1").rpartition("_")
    return check == _checksum(random)


def _checksum(random: str) -> str:
    return _digits(zlib.crc32((PREFIX + random).encode("latin-1", "replace")), _CHECK_DIGITS)


def _digits(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
