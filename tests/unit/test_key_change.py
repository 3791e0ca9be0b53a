"""The master key while it is changed: who may bring which key, and when the one before may be left away."""

from pathlib import Path

import pytest

from reelhook.errors import WrongKey
from reelhook.model.secret import Secret
from reelhook.store.connection import SqliteConnection, open_writer
from reelhook.store.master_key import finish_change, is_changing, open_sealer
from reelhook.store.migrate import migrate

PLACE = b"place"
BEFORE, NEXT, THIRD = (Secret(f"the {which} passphrase") for which in ("former", "next", "third"))


@pytest.fixture
def database(tmp_path: Path) -> SqliteConnection:
    connection = open_writer(tmp_path / "reelhook.db")
    migrate(connection)
    open_sealer(connection, BEFORE, None)
    return connection


def finish(database: SqliteConnection) -> None:
    finish_change(database, open_sealer(database, NEXT, None, BEFORE))


def test_either_order_opens_what_either_sealed_and_the_first_one_seals(database: SqliteConnection) -> None:
    old_first, new_first = open_sealer(database, BEFORE, None, NEXT), open_sealer(database, NEXT, None, BEFORE)
    for sealed in (old_first.seal(b"x", PLACE), new_first.seal(b"x", PLACE)):
        assert old_first.open(sealed, PLACE) == new_first.open(sealed, PLACE) == b"x"
    assert old_first.is_current(open_sealer(database, BEFORE, None).seal(b"x", PLACE))
    assert not new_first.is_current(old_first.seal(b"x", PLACE))
    assert is_changing(database)


def test_the_next_key_alone_is_refused_until_the_change_is_finished_and_the_one_before_after_it(
    database: SqliteConnection,
) -> None:
    open_sealer(database, BEFORE, None, NEXT)
    with pytest.raises(WrongKey, match="not everything is sealed with it yet"):
        open_sealer(database, NEXT, None)
    finish(database)
    assert not is_changing(database)
    open_sealer(database, NEXT, None)
    with pytest.raises(WrongKey, match="not the key that the secrets"):
        open_sealer(database, BEFORE, None)
    with pytest.raises(WrongKey, match="a key that was replaced"):
        open_sealer(database, BEFORE, None, NEXT)


@pytest.mark.parametrize("order", [(BEFORE, THIRD), (THIRD, BEFORE)], ids=["old first", "third first"])
def test_a_node_that_brings_another_next_key_than_the_others_is_refused(
    database: SqliteConnection, order: tuple[Secret, Secret]
) -> None:
    open_sealer(database, BEFORE, None, NEXT)
    with pytest.raises(WrongKey, match="another one than is named here"):
        open_sealer(database, order[0], None, order[1])


def test_a_change_can_be_given_up_for_another_one(database: SqliteConnection) -> None:
    open_sealer(database, BEFORE, None, NEXT)
    finish_change(database, open_sealer(database, BEFORE, None, NEXT))
    assert not is_changing(database)
    open_sealer(database, BEFORE, None, THIRD)


def test_the_key_before_may_be_named_a_while_longer_and_does_not_stand_in_the_way_of_the_next_change(
    database: SqliteConnection,
) -> None:
    open_sealer(database, BEFORE, None, NEXT)
    finish(database)
    open_sealer(database, NEXT, None, BEFORE)
    assert not is_changing(database)
    open_sealer(database, NEXT, None, THIRD)
    assert is_changing(database)


def test_two_keys_of_which_none_is_the_right_one_are_refused(database: SqliteConnection) -> None:
    with pytest.raises(WrongKey, match="neither REELHOOK_SECRET_KEY nor REELHOOK_SECRET_KEY_OTHER"):
        open_sealer(database, NEXT, None, THIRD)


def test_a_key_file_gives_way_to_a_passphrase(tmp_path: Path) -> None:
    connection, key_file = open_writer(tmp_path / "other.db"), tmp_path / "other.db.key"
    migrate(connection)
    sealed = open_sealer(connection, None, key_file).seal(b"x", PLACE)
    other = Secret(key_file.read_text().strip())
    sealer = open_sealer(connection, NEXT, key_file, other)
    assert sealer.open(sealed, PLACE) == b"x"
    finish_change(connection, sealer)
    assert open_sealer(connection, NEXT, key_file).is_current(sealer.seal(b"x", PLACE))
