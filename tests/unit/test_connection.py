"""How SQLite is opened: every setting is in force, and a reader cannot write."""

from pathlib import Path

import apsw
import pytest

from reelhook.store.connection import open_reader, open_writer

IN_FORCE = {
    "journal_mode": "wal",
    "synchronous": 2,
    "wal_autocheckpoint": 1000,
    "cache_size": -65536,
    "temp_store": 2,
    "foreign_keys": 1,
}


@pytest.mark.parametrize(("setting", "value"), IN_FORCE.items())
def test_the_writer_has_all_its_settings_not_only_the_first(tmp_path: Path, setting: str, value: object) -> None:
    assert open_writer(tmp_path / "r.db").execute(f"PRAGMA {setting}").get == value


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    open_writer(tmp_path / "r.db").execute("CREATE TABLE t (a)")
    with pytest.raises(apsw.ReadOnlyError):
        open_reader(tmp_path / "r.db").execute("INSERT INTO t VALUES (1)")
