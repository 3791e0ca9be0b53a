"""Headers on every answer that keep browsers and caches from taking it for something else."""

from typing import Final

ARMOUR: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
"""An answer that has one of these already keeps its own."""
