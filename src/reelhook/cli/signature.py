"""`reelhook sign` and `reelhook verify`: Standard Webhooks signatures, offline, on files or stdin."""

import secrets
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter
from rich.text import Text

from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.remote import Flag, read_text
from reelhook.cli.screen import Screen, safe
from reelhook.dialects import webhook_signature
from reelhook.dialects.signing_keys import SIGNING_KEY, VERIFYING_KEY, HmacKey, HmacKeys
from reelhook.dialects.webhook_verification import verify as verify_message
from reelhook.errors import Unauthorized
from reelhook.model.secret import Secret

_HEADERS: Final = (webhook_signature.ID_HEADER, webhook_signature.TIMESTAMP_HEADER, webhook_signature.SIGNATURE_HEADER)
_FROM_SHELL: Final = Parameter(env_var="REELHOOK_SECRET", parse=None, show=False)


def sign(
    body: Path,
    /,
    *,
    secret_file: Path | None = None,
    id: str | None = None,  # noqa: A002 - the option is --id
    timestamp: int | None = None,
    json: Flag = False,
    secret: Annotated[str | None, _FROM_SHELL] = None,
) -> None:
    """Write the headers that sign a body: webhook-id, webhook-timestamp, webhook-signature.

    Keys come from --secret-file or REELHOOK_SECRET, one or more with spaces
    between: whsec_… signs as v1 (HMAC), whsk_… as v1a (Ed25519).

    Args:
        body: The file with the exact bytes, or /dev/stdin.
        secret_file: A file with the keys.
        id: The message's id; else a fresh one.
        timestamp: Unix seconds; else now.
        json: Write JSON, for machines.
    """
    keys = _keys(secret_file, secret, (webhook_signature.SECRET, SIGNING_KEY))
    message_id = id or f"msg_{secrets.token_hex(12)}"
    now = int(time.time()) if timestamp is None else timestamp
    try:
        symmetric = [HmacKey(webhook_signature.key_of(Secret(key))) for key in keys if not key.startswith(SIGNING_KEY)]
        asymmetric = next((Secret(key) for key in keys if key.startswith(SIGNING_KEY)), None)
        signing = HmacKeys(symmetric, asymmetric)
    except ValueError as wrong:
        raise Stop(f"the key cannot be used: {wrong}", Exit.USAGE) from wrong
    headers = webhook_signature.sign(_bytes(body), message_id, now, signing, now * 1000)
    lines = "\n".join(f"{name}: {value}" for name, value in headers)
    Screen(as_json=json).answer(dict(headers), lambda: Text(safe(lines, lines=True), no_wrap=True))


def verify(
    body: Path,
    /,
    *,
    headers: Path | None = None,
    id: str | None = None,  # noqa: A002 - the option is --id
    timestamp: str | None = None,
    signature: str | None = None,
    secret_file: Path | None = None,
    any_time: Flag = False,
    json: Flag = False,
    secret: Annotated[str | None, _FROM_SHELL] = None,
) -> Exit:
    """Check that a body was signed with a key, within five minutes of now; exit code 1 when it was not.

    Keys come from --secret-file or REELHOOK_SECRET, one or more with spaces
    between: whsec_… for v1, whpk_… for v1a.

    Args:
        body: The file with the exact bytes, or /dev/stdin.
        headers: A file with the headers, one "name: value" a line.
        id: The header webhook-id.
        timestamp: The header webhook-timestamp.
        signature: The header webhook-signature.
        secret_file: A file with the keys.
        any_time: Take a message of any age, such as one from a log.
        json: Write JSON, for machines.
    """
    keys = _keys(secret_file, secret, (webhook_signature.SECRET, VERIFYING_KEY))
    given = _given_headers(headers, dict(zip(_HEADERS, (id, timestamp, signature), strict=True)))
    stamp = given.get(webhook_signature.TIMESTAMP_HEADER, "")
    now = int(stamp) if any_time and stamp.isdecimal() else int(time.time())
    reason = _reason(given, _bytes(body), keys, now)
    verdict = "The signature is right." if reason is None else reason
    Screen(as_json=json).answer({"verified": reason is None, "reason": reason}, lambda: Text(safe(verdict)))
    return Exit.DONE if reason is None else Exit.NO


def _reason(headers: Mapping[str, str], body: bytes, keys: list[str], now: int) -> str | None:
    """Return why the message does not verify; None when it does."""
    publics = [key for key in keys if key.startswith(VERIFYING_KEY)]
    symmetric = [Secret(key) for key in keys if not key.startswith(VERIFYING_KEY)]
    try:
        verify_message(headers, body, symmetric, publics, now)
    except Unauthorized as refused:
        return refused.detail
    except ValueError as wrong:
        raise Stop(f"the key cannot be used: {wrong}", Exit.USAGE) from wrong
    return None


def _keys(file: Path | None, given: str | None, kinds: tuple[str, ...]) -> list[str]:
    keys = (read_text(file) if file is not None else given or "").split()
    if not keys:
        raise Stop("give the key in REELHOOK_SECRET or with --secret-file", Exit.USAGE)
    if not all(key.startswith(kinds) for key in keys):
        raise Stop(f"a key here begins with {' or '.join(kinds)}", Exit.USAGE)
    return keys


def _given_headers(file: Path | None, options: Mapping[str, str | None]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in read_text(file).splitlines() if file is not None else ():
        name, colon, value = line.partition(":")
        if colon:
            found[name.strip().lower()] = value.strip()
    return found | {name: value for name, value in options.items() if value is not None}


def _bytes(file: Path) -> bytes:
    try:
        # A pipe is read through the stream that is open already; `-` cannot be told from an option.
        return sys.stdin.buffer.read() if str(file) == "/dev/stdin" else file.read_bytes()
    except OSError as wrong:
        raise Stop(f"{file} cannot be read: {wrong.strerror}", Exit.USAGE) from wrong
