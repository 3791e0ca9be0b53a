"""Writes that keep what is in memory in step with the disk."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from reelhook.store.sql import Connection

T = TypeVar("T")


class Writes(Protocol):
    """Where a write goes: the group commit, or what stands before it and brings other things up to date after it."""

    reads_back: bool
    """What is written is read back into memory, in the order of commits, before the write is settled."""

    def submit(self, kind: str, value: Any) -> "asyncio.Future[Any]": ...  # noqa: D102
    def settled(self, future: "asyncio.Future[Any]") -> "asyncio.Future[Any]":
        """Return what is done when the write is on disk and all that follows from it in memory is done."""
        ...


def write(commit: Writes, job: Callable[[Connection], T], then: Callable[[], None] | None = None) -> Awaitable[T]:
    """Run `job` in the next commit, and `then` in the loop when it is on disk, before the caller goes on.

    What is read back needs no `then`, and must have none: another node may have changed the same since this commit,
    and that be read already.

    The operation is shielded: a caller that is cancelled (its client hung up) does not keep `then` from running, or
    memory would differ from the disk.
    """
    future = commit.submit("write", job)
    if then is not None and not commit.reads_back:
        future.add_done_callback(partial(_after, then))
    return asyncio.shield(commit.settled(future))


def _after(then: Callable[[], None], future: "asyncio.Future[Any]") -> None:
    if not future.cancelled() and future.exception() is None:
        then()
