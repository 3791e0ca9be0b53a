"""A backup that is taken while everything moves is whole, and can be started elsewhere."""

import apsw
import pytest
from tests.acceptance.publisher import Publisher
from tests.acceptance.steps import add_endpoint
from tests.support.checker import read_store
from tests.support.program import Program, until


@pytest.mark.fault("R29")
def test_an_online_backup_of_a_busy_database_is_consistent_and_starts_elsewhere(program, receiver, tmp_path):
    add_endpoint(program.api(), receiver)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with Publisher(program) as publisher:
        until(lambda: publisher.accepted > 300, "it is busy")
        before = dict(publisher.ledger.accepted)
        _back_up(program.database, elsewhere / "reelhook.db")
        at_backup = publisher.accepted
        until(lambda: publisher.accepted > at_backup + 100, "it goes on")
    with apsw.Connection(str(elsewhere / "reelhook.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for beside in program.directory.glob("reelhook*key*"):
        (elsewhere / beside.name).write_bytes(beside.read_bytes())
    program.kill()
    with Program(elsewhere) as restored:
        store = read_store(restored.api())
        assert before.items() <= {event_id: event["data"] for event_id, event in store.events.items()}.items()
        assert store.events.keys() == {delivery["event_id"] for delivery in store.deliveries}


def _back_up(source, target):
    with (
        apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY) as live,
        apsw.Connection(str(target)) as copy,
        copy.backup("main", live, "main") as backup,
    ):
        while not backup.done:
            backup.step(50)
