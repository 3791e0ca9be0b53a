"""One process owns one file; it starts, refuses and stops in ways that can be relied upon."""

import time

import pytest
from tests.acceptance.publisher import Publisher
from tests.acceptance.steps import add_endpoint, assert_all_accounts_agree
from tests.support.program import Program, until


@pytest.mark.fault("R12")
def test_a_second_process_on_the_same_file_refuses_with_a_clear_message(program, tmp_path):
    second = Program(tmp_path / "second", settings={"REELHOOK_DATABASE": f"sqlite:///{program.database}"})
    second.spawn()
    assert second.wait() not in (0, None)
    assert "Traceback" not in second.said()
    assert str(program.database.name) in second.said()
    assert any(word in second.said().lower() for word in ("another", "already", "other process"))
    assert program.readiness() == 200


@pytest.mark.fault("R27")
def test_asked_to_stop_under_load_it_drains_and_leaves_nothing_in_the_dark(program, receiver):
    target = add_endpoint(program.api(), receiver)
    with Publisher(program) as publisher:
        for _ in range(3):
            before = publisher.accepted
            until(lambda: publisher.accepted > before + 300, "it takes events")  # noqa: B023 - used at once
            assert program.stop() == 0
            program.start()
            time.sleep(0.1)
    api = program.api()
    assert_all_accounts_agree(api, publisher.ledger, [target], receiver)
    assert [attempt for attempt in api.pages("/v1/logs") if attempt["status"] == "failed"] == []
    assert len(receiver.receipts()) == len({receipt.message_id for receipt in receiver.receipts()})
