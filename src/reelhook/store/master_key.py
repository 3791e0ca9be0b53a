"""The master key that seals what is secret: given by the operator, or made beside the database and kept there.

`REELHOOK_SECRET_KEY` is the base64 of 32 bytes, taken as it is, or a passphrase of 16 characters or more, stretched
with scrypt (RFC 7914) and a salt of the installation. Without it, the key file `<database>.key` is made (mode 0600).
A value sealed at the first start tells later whether the key is still the same.
"""

import base64
import binascii
import hashlib
import os
from pathlib import Path
from typing import Any, Final

from reelhook.errors import Unavailable
from reelhook.model.secret import Secret
from reelhook.store.seal import KEY_BYTES, SealBroken, Sealer, place_of
from reelhook.store.select import select_value
from reelhook.store.sql import Connection
from reelhook.store.statements import statements

SHORTEST_PASSPHRASE: Final = 16
_SETTING: Final = "REELHOOK_SECRET_KEY"
_PLACE: Final = place_of("meta", "seal_check")
_CHECK: Final = b"reelhook"
_SCRYPT: Final = {"n": 1 << 15, "r": 8, "p": 1, "maxmem": 64 << 20, "dklen": KEY_BYTES}
_SQL: Final = statements("meta")


def open_sealer(connection: Connection, given: Secret | None, key_file: Path | None) -> Sealer:
    """Return the sealer of this database; `connection` writes, and its schema is in place. Without a place for a key
    file, the key must be given.

    Raises:
        Unavailable: the key is missing, too short, or not the one that the database was sealed with.
    """
    check = _meta(connection, "seal_check")
    if given and check is not None and _is_passphrase(given.reveal()) and _meta(connection, "seal_salt") is None:
        raise Unavailable(_wrong_key(True, key_file))  # no passphrase has sealed anything here
    key = _given_key(connection, given.reveal()) if given else _file_key(key_file, sealed=check is not None)
    sealer = Sealer(key)
    if check is None:
        connection.execute(_SQL["put_bytes"], ("seal_check", sealer.seal(_CHECK, _PLACE)))
        return sealer
    try:
        sealer.open(check, _PLACE)
    except SealBroken:
        raise Unavailable(_wrong_key(given is not None, key_file)) from None
    return sealer


def _given_key(connection: Connection, text: str) -> bytes:
    if not _is_passphrase(text):
        return base64.b64decode(text)
    if len(text) < SHORTEST_PASSPHRASE:
        raise Unavailable(
            f"{_SETTING} is too short: give the base64 of {KEY_BYTES} random bytes, "
            f"or a passphrase of {SHORTEST_PASSPHRASE} characters or more"
        )
    return hashlib.scrypt(text.encode(), salt=_salt(connection), **_SCRYPT)


def _is_passphrase(text: str) -> bool:
    """Tell whether a key is to be stretched; else it is the base64 of the key itself."""
    try:
        return len(base64.b64decode(text, validate=True)) != KEY_BYTES
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
        raise Unavailable(
            f"{_SETTING} must be given with PostgreSQL, the same one to every node: the base64 of {KEY_BYTES} random "
            f"bytes (`openssl rand -base64 {KEY_BYTES}`), or a passphrase of {SHORTEST_PASSPHRASE} characters or more"
        )
    if not key_file.exists():
        if sealed:
            raise Unavailable(
                f"the secrets in this database are sealed and their key is missing: "
                f"set {_SETTING}, or put the key file {key_file} back"
            )
        _make_key_file(key_file)
    try:
        key = base64.b64decode(key_file.read_bytes().strip(), validate=True)
    except (OSError, binascii.Error) as error:
        raise Unavailable(f"the key file {key_file} cannot be read: {type(error).__name__}") from None
    if len(key) != KEY_BYTES:
        raise Unavailable(f"the key file {key_file} is damaged: it must hold the base64 of {KEY_BYTES} bytes")
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


def _wrong_key(given: bool, key_file: Path | None) -> str:
    if not given:
        return f"the key file {key_file} is not the key of this database: put the right one back, or set {_SETTING}"
    hint = f"; if it was made with the key file {key_file}, unset {_SETTING}" if key_file and key_file.exists() else ""
    return f"{_SETTING} is not the key that the secrets of this database were sealed with{hint}"


def _meta(connection: Connection, key: str) -> Any:
    return select_value(connection, _SQL["get_bytes"], (key,))
