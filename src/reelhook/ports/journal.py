"""The two promises of the product."""

from collections.abc import Awaitable
from typing import Protocol

from reelhook.ports.accepting import Acceptance, Committing, StoredKey
from reelhook.ports.sending import AttemptRecord, Completion


class Journal(Protocol):
    """Writes the two promises of the product; batching hides behind it."""

    def recall(self, app_id: str, kind: str, key: str) -> "StoredKey | Awaitable[StoredKey | None] | None":
        """Return what is known of a key: stored, being stored at this moment, or nothing."""
        ...

    def accept(self, acceptance: Acceptance) -> Committing[bytes]:
        """Commit events with their deliveries and keys; done, with the answer, when it is on disk."""
        ...

    def record(self, completion: Completion) -> Committing[bool]:
        """Commit an attempt and its delivery's new state; False when the claim was no longer ours (then only the
        attempt is recorded).
        """
        ...

    def record_test(self, attempt: AttemptRecord) -> Awaitable[None]:
        """Commit an attempt that belongs to no delivery."""
        ...
