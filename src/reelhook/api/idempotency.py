"""`Idempotency-Key`: a POST that creates happens once, however often it is sent.

The header is a Structured Field string, quoted (draft-ietf-httpapi-idempotency-key-header); bare is accepted too. A
key is kept for 24 hours for each token's app and route, committed together with what the request makes or changes:
neither is there without the other.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import structlog

from reelhook.errors import Conflict, KeyReused, Malformed, ReelhookError
from reelhook.ports import Answers, Clock, Key, SealedAnswer, StoredKey

LONGEST_KEY: Final = 255
KEY_LIFE_MS: Final = 24 * 3600 * 1000
_BARE: Final = re.compile(rb"[!#-\[\]-~]+\Z")
_QUOTED: Final = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\])+)"\Z')
_ESCAPED: Final = re.compile(r"\\(.)")


class Kept(msgspec.Struct, array_like=True):
    """An answer as it is kept."""

    status: int
    headers: dict[str, str]
    body: bytes


_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("reelhook")
_DECODER: Final = msgspec.msgpack.Decoder(Kept)


def read_idempotency_key(value: bytes | None) -> str | None:
    """Read the header, quoted or bare: `"abc"` and `abc` are the same key.

    Raises:
        Malformed: it is empty, too long, or has characters that no key has.
    """
    if value is None:
        return None
    value = value.strip()
    if quoted := _QUOTED.match(value):
        key = _ESCAPED.sub(r"\1", quoted.group(1).decode("ascii"))
    elif _BARE.match(value):
        key = value.decode("ascii")
    else:
        raise Malformed("Idempotency-Key is a string of visible ASCII, quoted or bare")
    if len(key) > LONGEST_KEY:
        raise Malformed(f"Idempotency-Key has at most {LONGEST_KEY} characters")
    return key


class Keeping:
    """The answer to one request, on its way to the store: with the change that it tells of, in one commit."""

    def __init__(self, answers: Answers, app_id: str, unanswered: Key) -> None:
        self._answers = answers
        self._app_id = app_id
        self._unanswered = unanswered
        self.sealed = False

    def seal(self, answer: Kept) -> SealedAnswer:
        """Make the answer ready to be committed with the change."""
        self.sealed = True
        return self._answers.seal(self._app_id, self._key(answer))

    async def keep(self, answer: Kept) -> None:
        """Keep an answer that tells of no change, or was sealed into the commit of one."""
        if self.sealed:
            return
        try:
            await self._answers.keep(self._app_id, self._key(answer))
        except ReelhookError as error:
            _log.warning("idempotency_key.not_kept", app=self._app_id, kind=self._unanswered.kind, error=error.detail)

    def _key(self, answer: Kept) -> Key:
        return msgspec.structs.replace(self._unanswered, answer=msgspec.msgpack.encode(answer))


class Repeats:
    """Gives a repeated POST the answer of the first; repeats that come meanwhile wait for it."""

    def __init__(self, answers: Answers, clock: Clock) -> None:
        self._answers = answers
        self._clock = clock
        self._running: dict[tuple[str, str, str], asyncio.Future[None]] = {}

    async def once(
        self, app_id: str, kind: str, key: str, body: bytes, run: Callable[[Keeping], Awaitable[Kept]]
    ) -> Kept:
        """Run it, or answer as the first time. What failed is not kept: it may be sent again with the same key.

        Raises:
            KeyReused: the key was used with another body.
        """
        name = (app_id, kind, key)
        fingerprint = hashlib.sha256(body).digest()
        while (running := self._running.get(name)) is not None:
            await asyncio.wait((running,))
        done = self._running[name] = asyncio.get_running_loop().create_future()
        keeping = Keeping(self._answers, app_id, Key(kind, key, fingerprint, b"", self._clock.wall() + KEY_LIFE_MS))
        try:
            if (known := await self._answers.recall(app_id, kind, key)) is not None:
                return _same(known, fingerprint)
            answer = await run(keeping)
            await keeping.keep(answer)
        except Conflict:
            # Another process may have been first with this key: then its answer is the answer.
            if (known := await self._answers.recall(app_id, kind, key)) is None:
                raise
            return _same(known, fingerprint)
        finally:
            del self._running[name]
            done.set_result(None)
        return answer


def _same(known: StoredKey, fingerprint: bytes) -> Kept:
    if known.fingerprint != fingerprint:
        raise KeyReused("this Idempotency-Key was used with another body")
    return _DECODER.decode(known.answer)
