import base64
import os
import stat
from pathlib import Path

import pytest

from reelhook.errors import WrongKey
from reelhook.model.secret import Secret
from reelhook.store.connection import SqliteConnection, open_writer
from reelhook.store.master_key import open_sealer
from reelhook.store.migrate import migrate

PLACE = b"place"


@pytest.fixture
def database(tmp_path: Path) -> SqliteConnection:
    connection = open_writer(tmp_path / "reelhook.db")
    migrate(connection)
    return connection


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "reelhook.db.key"


def test_a_key_is_made_beside_the_database_and_found_again(database: SqliteConnection, key_file: Path) -> None:
    sealed = open_sealer(database, None, key_file).seal(b"x", PLACE)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert open_sealer(database, None, key_file).open(sealed, PLACE) == b"x"


def test_a_missing_key_file_refuses_to_start_where_something_is_sealed(
    database: SqliteConnection, key_file: Path
) -> None:
    open_sealer(database, None, key_file)
    key_file.unlink()
    with pytest.raises(WrongKey, match="key is missing"):
        open_sealer(database, None, key_file)
    assert not key_file.exists(), "no new key hides the loss of the old one"


def test_a_wrong_key_refuses_to_start_and_says_which(database: SqliteConnection, key_file: Path) -> None:
    open_sealer(database, None, key_file)
    with pytest.raises(WrongKey, match="unset REELHOOK_SECRET_KEY"):
        open_sealer(database, Secret("a passphrase of ours"), key_file)
    key_file.write_bytes(base64.b64encode(os.urandom(32)))
    with pytest.raises(WrongKey, match="is not the key of this database"):
        open_sealer(database, None, key_file)


@pytest.mark.parametrize("damage", [b"", b"short", b"!" * 44, b"AAAA"])
def test_a_damaged_key_file_is_named(database: SqliteConnection, key_file: Path, damage: bytes) -> None:
    key_file.write_bytes(damage)
    with pytest.raises(WrongKey, match="key file"):
        open_sealer(database, None, key_file)


def test_a_given_key_is_32_bytes_as_base64_or_a_passphrase(database: SqliteConnection, key_file: Path) -> None:
    given = Secret(base64.b64encode(bytes(range(32))).decode())
    sealed = open_sealer(database, given, key_file).seal(b"x", PLACE)
    assert open_sealer(database, given, key_file).open(sealed, PLACE) == b"x"
    assert not key_file.exists()


def test_a_passphrase_opens_what_it_sealed_and_no_other_does(database: SqliteConnection, key_file: Path) -> None:
    sealed = open_sealer(database, Secret("correct horse battery"), key_file).seal(b"x", PLACE)
    assert open_sealer(database, Secret("correct horse battery"), key_file).open(sealed, PLACE) == b"x"
    with pytest.raises(WrongKey, match="is not the key") as caught:
        open_sealer(database, Secret("correct horse canary!"), key_file)
    assert "canary" not in str(caught.value)


def test_a_short_passphrase_is_refused_without_being_shown(database: SqliteConnection, key_file: Path) -> None:
    with pytest.raises(WrongKey, match="too short") as caught:
        open_sealer(database, Secret("canary"), key_file)
    assert "canary" not in str(caught.value)
