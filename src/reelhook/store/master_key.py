"""The master key that seals what is secret: given by the operator, or made beside the database and kept there.

`REELHOOK_SECRET_KEY` is the base64 of 32 bytes, taken as it is, or a passphrase of 16 characters or more, stretched
with scrypt (RFC 7914) and a salt of the installation. Without it, the key file `<database>.key` is made (mode 0600).
A value sealed at the first start (the check) tells later whether the key is still the same.

While the key is changed there are two: what is sealed with either can be opened. `REELHOOK_SECRET_KEY` is the one that
seals from now on. A check of the incoming one sees to it that all nodes are given the same; the check itself is sealed
anew last, so that nobody can leave the outgoing one away before it is needed no more.
"""

import base64
import binascii
import hashlib
import os
from pathlib import Path
from typing import Any, Final

from reelhook.errors import WrongKey
from reelhook.model.secret import Secret
from reelhook.store.seal import KEY_BYTES, Sealer, place_of
from reelhook.store.select import select_value
from reelhook.store.sql import Connection
from reelhook.store.statements import statements

SHORTEST_PASSPHRASE: Final = 16
_SETTING: Final = "REELHOOK_SECRET_KEY"
_OTHER: Final = "REELHOOK_SECRET_KEY_OTHER"
_NAME, _INCOMING, _RETIRED = "seal_check", "seal_check_next", "seal_retired"
_PLACE: Final = place_of("meta", _NAME)
_CHECK: Final = b"reelhook"
_SCRYPT: Final = {"n": 1 << 15, "r": 8, "p": 1, "maxmem": 64 << 20, "dklen": KEY_BYTES}
_SQL: Final = statements("meta")


def open_sealer(
    connection: Connection, given: Secret | None, key_file: Path | None, other: Secret | None = None
) -> Sealer:
    """Return the sealer of this database; `connection` writes, and its schema is in place. Without a place for a key
    file, the key must be given. `other` opens what it has sealed, too.

    Raises:
        WrongKey: the key is missing, too short, or not the one that the database was sealed with.
    """
    check = _meta(connection, _NAME)
    if given and not other and check is not None and _is_passphrase(given) and _meta(connection, "seal_salt") is None:
        raise WrongKey(_wrong_key(True, key_file))  # no passphrase has sealed anything here
    key = _given_key(connection, given, _SETTING) if given else _file_key(key_file, sealed=check is not None)
    second = None if other is None else _given_key(connection, other, _OTHER)
    sealer = Sealer(key, () if second is None else (second,))
    if check is None:
        connection.execute(_SQL["put_bytes"], (_NAME, sealer.seal(_CHECK, _PLACE)))
        return sealer
    if not sealer.opens(check, _PLACE):
        raise WrongKey(_not_the_key(connection, sealer, given=given is not None, key_file=key_file, both=bool(other)))
    if second is not None:
        _agree(connection, Sealer(key), Sealer(second), check)
    return sealer


def is_changing(connection: Connection) -> bool:
    """Tell whether a change of the key has begun and is not finished."""
    return _meta(connection, _INCOMING) is not None


def finish_change(connection: Connection, sealer: Sealer) -> None:
    """Make the key that seals the one key of this database; nothing is sealed with another one any more."""
    check = _meta(connection, _NAME)
    if not sealer.is_current(check):
        connection.execute(_SQL["put_bytes"], (_RETIRED, check[: len(sealer.key_id)]))
        connection.execute(_SQL["put_bytes"], (_NAME, sealer.seal(_CHECK, _PLACE)))
    connection.execute(_SQL["drop"], (_INCOMING,))


def _agree(connection: Connection, sealing: Sealer, second: Sealer, check: bytes) -> None:
    """See to it that everybody brings the same key in, and nobody one that was replaced before."""
    retired = _meta(connection, _RETIRED)
    if sealing.key_id == retired:
        raise WrongKey(f"{_SETTING} is a key that was replaced: set it to the one in {_OTHER}, and leave that away")
    incoming = second if sealing.is_current(check) else sealing
    if incoming.key_id == retired or incoming.is_current(check):
        return  # the one before, which is still named, or one and the same key twice
    known = _meta(connection, _INCOMING)
    if known is None:
        connection.execute(_SQL["put_bytes"], (_INCOMING, incoming.seal(_CHECK, _PLACE)))
    elif not incoming.opens(known, _PLACE):
        raise WrongKey(
            "the key is being changed to another one than is named here: give every node the same two keys in "
            f"{_SETTING} and {_OTHER}, or end that change first (`reelhook rekey` with {_SETTING} as it was)"
        )


def _given_key(connection: Connection, given: Secret, setting: str) -> bytes:
    text = given.reveal()
    if not _is_passphrase(given):
        return base64.b64decode(text)
    if len(text) < SHORTEST_PASSPHRASE:
        raise WrongKey(
            f"{setting} is too short: give the base64 of {KEY_BYTES} random bytes, "
            f"or a passphrase of {SHORTEST_PASSPHRASE} characters or more"
        )
    return hashlib.scrypt(text.encode(), salt=_salt(connection), **_SCRYPT)


def _is_passphrase(given: Secret) -> bool:
    """Tell whether a key is to be stretched; else it is the base64 of the key itself."""
    try:
        return len(base64.b64decode(given.reveal(), validate=True)) != KEY_BYTES
    except (binascii.Error, ValueError):
        return True


def _salt(connection: Connection) -> bytes:
    salt: bytes | None = _meta(connection, "seal_salt")
    if salt is None:
        salt = os.urandom(16)
        connection.execute(_SQL["put_bytes"], ("seal_salt", salt))
    return salt


def _file_key(key_file: Path | None, *, sealed: bool) -> bytes:
    if key_file is None:
        raise WrongKey(
            f"{_SETTING} must be given with PostgreSQL, the same one to every node: the base64 of {KEY_BYTES} random "
            f"bytes (`openssl rand -base64 {KEY_BYTES}`), or a passphrase of {SHORTEST_PASSPHRASE} characters or more"
        )
    if not key_file.exists():
        if sealed:
            raise WrongKey(
                f"the secrets in this database are sealed and their key is missing: "
                f"set {_SETTING}, or put the key file {key_file} back"
            )
        _make_key_file(key_file)
    try:
        key = base64.b64decode(key_file.read_bytes().strip(), validate=True)
    except (OSError, binascii.Error) as error:
        raise WrongKey(f"the key file {key_file} cannot be read: {type(error).__name__}") from None
    if len(key) != KEY_BYTES:
        raise WrongKey(f"the key file {key_file} is damaged: it must hold the base64 of {KEY_BYTES} bytes")
    return key


def _make_key_file(key_file: Path) -> None:
    """Write a new key; it is on disk, name and all, before anything is sealed with it."""
    descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    folder = os.open(key_file.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _not_the_key(connection: Connection, sealer: Sealer, *, given: bool, key_file: Path | None, both: bool) -> str:
    if both:
        return f"neither {_SETTING} nor {_OTHER} is the key that the secrets of this database were sealed with"
    incoming = _meta(connection, _INCOMING)
    if incoming is not None and sealer.opens(incoming, _PLACE):
        return (
            f"{_SETTING} is the next key of this database, in which not everything is sealed with it yet: "
            f"give the one before in {_OTHER}, and run `reelhook rekey`"
        )
    return _wrong_key(given, key_file)


def _wrong_key(given: bool, key_file: Path | None) -> str:
    if not given:
        return f"the key file {key_file} is not the key of this database: put the right one back, or set {_SETTING}"
    hint = f"; if it was made with the key file {key_file}, unset {_SETTING}" if key_file and key_file.exists() else ""
    return f"{_SETTING} is not the key that the secrets of this database were sealed with{hint}"


def _meta(connection: Connection, key: str) -> Any:
    return select_value(connection, _SQL["get_bytes"], (key,))
