"""`reelhook serve`, `migrate`, `settings`, `version`, `doctor`, and what a start announces."""

import json
import shlex
import socket
import subprocess
import sys
import tomllib
import types

import pytest
from tests.cli.fake_api import FakeApi

from reelhook.cli.announce import announce, announce_worker
from reelhook.errors import (
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    OutcomeUnknown,
    ReelhookError,
    Stale,
    StorageFull,
    StoreBusy,
    Unavailable,
    WrongKey,
)
from reelhook.model.secret import Secret
from reelhook.settings import Settings, SettingsError
from reelhook.store.connection import FileLock, open_writer
from reelhook.store.master_key import open_sealer
from reelhook.store.migrate import migrate


@pytest.fixture
def server(monkeypatch):
    """A server that only notes what it was started with."""
    noted = types.SimpleNamespace(settings=None, announce=None, migrated=None, code=0, error=None)
    module = types.ModuleType("reelhook.server")

    def run(settings, *, announce):
        if noted.error is not None:
            raise noted.error
        noted.settings, noted.announce = settings, announce
        return noted.code

    def migrate(settings, tell):
        noted.migrated = settings
        tell(1, 2)
        return [2]

    module.run, module.migrate = run, migrate
    monkeypatch.setitem(sys.modules, "reelhook.server", module)
    monkeypatch.setattr("reelhook.server", module, raising=False)
    return noted


def test_serve_runs_the_server_with_the_settings_and_its_exit_code_is_the_program_s(reelhook, server, monkeypatch):
    monkeypatch.setenv("REELHOOK_LISTEN", "127.0.0.1:9000")
    server.code = 5
    assert reelhook("serve").code == 5
    assert isinstance(server.settings, Settings)
    assert server.settings.listen.port == 9000
    assert server.announce is announce


def test_serve_takes_reelhook_toml_or_the_file_that_is_named(reelhook, server, tmp_path):
    (tmp_path / "reelhook.toml").write_text("retention_days = 3")
    reelhook("serve")
    assert server.settings.retention_days == 3
    (tmp_path / "other.toml").write_text("retention_days = 4")
    reelhook("serve", "--config", "other.toml")
    assert server.settings.retention_days == 4


def test_wrong_settings_do_not_start_and_each_is_one_line(reelhook, server, monkeypatch):
    monkeypatch.setenv("REELHOOK_LISTEN", "x")
    monkeypatch.setenv("REELHOOK_LISTN", "y")
    ended = reelhook("serve")
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 2
    assert server.settings is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreBusy("somebody holds it"), 5),
        (OutcomeUnknown("it was lost in a commit"), 5),
        (Stale("another node changed it"), 5),
        (StorageFull("the disk is full"), 5),
        (Unavailable("the database is of a newer version"), 1),
        (WrongKey("the key is not the one of this database"), 2),
        (Conflict("it is not on hold"), 1),
        (NotFound("there is none"), 1),
        (Invalid("this is no database"), 2),
        (SettingsError(FieldError("REELHOOK_X is wrong")), 2),
        (ReelhookError("something failed on our side"), 70),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_command_that_fails_says_why_in_one_line_and_whether_the_same_may_work_again(reelhook, server, error, code):
    server.error = error
    ended = reelhook("serve")
    assert (ended.code, ended.err) == (code, f"reelhook: {error.detail}\n")


def test_a_start_beside_a_server_that_uses_the_file_is_not_for_now(reelhook, monkeypatch, tmp_path):
    monkeypatch.setenv("REELHOOK_LISTEN", "127.0.0.1:0")
    lock = FileLock(tmp_path / "reelhook.db")
    ended = started("serve")
    lock.release()
    assert ended.returncode == 5
    assert "is in use by another Reelhook" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_start_with_another_key_is_a_wrong_setting_that_no_new_start_mends(reelhook, monkeypatch, database):
    monkeypatch.setenv("REELHOOK_LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("REELHOOK_SECRET_KEY", "not the key of this database")
    ended = started("serve")
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["serve", "migrate", "settings", "doctor"])
def test_a_secret_that_is_given_in_both_forms_is_refused_by_both_names(reelhook, monkeypatch, tmp_path, command):
    """Regression: the file was left aside without a word."""
    (tmp_path / "key").write_text("another passphrase, long enough")
    monkeypatch.setenv("REELHOOK_SECRET_KEY", "a pass phrase, long enough")
    monkeypatch.setenv("REELHOOK_SECRET_KEY_FILE", str(tmp_path / "key"))
    ended = reelhook(command, *(["--current"] if command == "settings" else []))
    assert ended.code == (1 if command == "doctor" else 2)
    assert "REELHOOK_SECRET_KEY and REELHOOK_SECRET_KEY_FILE are both set; keep one" in ended.out + ended.err


@pytest.mark.parametrize("command", ["serve", "migrate"])
@pytest.mark.parametrize("kind", ["absent folder", "folder", "text", "broken"])
def test_a_database_that_cannot_be_opened_is_one_line_and_exit_code_2(reelhook, monkeypatch, tmp_path, command, kind):
    file = tmp_path / "here" / "x.db"
    if kind != "absent folder":
        file.parent.mkdir()
    if kind == "folder":
        file.mkdir()
    elif kind == "text":
        file.write_text("this is not a database")
    elif kind == "broken":
        file.write_bytes(b"SQLite format 3\0" + b"?" * 4096)
    monkeypatch.setenv("REELHOOK_LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("REELHOOK_DATABASE", f"sqlite:///{file}")
    ended = started(command)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith(f"reelhook: REELHOOK_DATABASE: {file} cannot be opened: ")
    assert len(ended.stderr.splitlines()) == 1
    if kind != "broken":
        assert not file.with_name("x.db.lock").exists()


def test_a_port_in_use_is_one_line_that_names_the_setting_and_exit_code_2(reelhook, monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("REELHOOK_LISTEN", f"127.0.0.1:{other.getsockname()[1]}")
        ended = started("serve")
    assert ended.returncode == 2
    assert ended.stderr.startswith("reelhook: REELHOOK_LISTEN: cannot listen on 127.0.0.1:")
    assert len(ended.stderr.splitlines()) == 1


def started(command):
    """Run the real program, which changes its process: signals, limits, the collector."""
    return subprocess.run(
        [sys.executable, "-m", "reelhook.cli", command], capture_output=True, text=True, timeout=120, check=False
    )


def test_migrate_brings_the_database_up_to_date(reelhook, server):
    ended = reelhook("migrate", "--json")
    assert ended.json == {"database": "sqlite:///reelhook.db", "up_to_date": True, "migrations": [2]}
    assert "goes from schema 1 to 2; the way back is a copy" in ended.err
    assert isinstance(server.migrated, Settings)


def test_a_first_start_shows_the_token_and_a_line_to_paste(capsys):
    announce("http://127.0.0.1:8080", "rhk_made-now", "made")
    out = capsys.readouterr().out
    assert "Reelhook listens on http://127.0.0.1:8080\n" in out
    assert "rhk_made-now   (shown only this once: keep it)" in out
    (line,) = [line.strip() for line in out.splitlines() if line.strip().startswith("curl")]
    words = shlex.split(line)
    assert words[words.index("-H") + 1] == "Authorization: Bearer rhk_made-now"
    assert "http://127.0.0.1:8080/v1/events" in words
    assert json.loads(words[-1])["type"] == "asset.created"


def test_a_worker_promises_no_api_that_it_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    announce_worker("http://127.0.0.1:8080", None, "kept")
    said = capsys.readouterr().out
    assert "http://127.0.0.1:8080/readyz" in said
    assert "/docs" not in said
    assert "curl" not in said


@pytest.mark.fault("S28")
@pytest.mark.parametrize(
    ("source", "said"), [("settings", "taken from REELHOOK_OPERATOR_TOKEN"), ("kept", "first start")]
)
def test_a_token_that_is_known_already_is_not_shown_again(capsys, source, said):
    announce("http://127.0.0.1:8080", "canary-7", source)
    out = capsys.readouterr().out
    assert said in out
    assert "canary" not in out
    assert "Bearer ${REELHOOK_TOKEN:?" in out
    (line,) = [line.strip() for line in out.splitlines() if line.strip().startswith("curl")]
    assert "Authorization: Bearer " in " ".join(shlex.split(line))


def test_settings_prints_a_file_with_all_of_them(reelhook):
    printed = reelhook("settings").out
    assert tomllib.loads(printed) == {}
    assert "# reelhook_listen = " in printed
    assert "# REELHOOK_LISTEN=127.0.0.1:8080" in reelhook("settings", "--format", "env").out
    assert "| `REELHOOK_LISTEN` |" in reelhook("settings", "--format", "markdown").out


def test_settings_shows_what_is_set_where_and_no_secret(reelhook, monkeypatch, tmp_path):
    monkeypatch.setenv("REELHOOK_LISTEN", "127.0.0.1:9000")
    monkeypatch.setenv("REELHOOK_SECRET_KEY", "canary-7-canary-7")
    (tmp_path / "reelhook.toml").write_text("retention_days = 3")
    printed = reelhook("settings", "--current").out
    assert tomllib.loads(printed) == {"reelhook_listen": "127.0.0.1:9000", "reelhook_retention_days": 3}
    assert "canary" not in printed
    items = {each["name"]: each for each in reelhook("settings", "--current", "--json").json["items"]}
    assert items["REELHOOK_RETENTION_DAYS"]["from"] == f"retention_days in {tmp_path}/reelhook.toml"
    assert items["REELHOOK_SECRET_KEY"]["value"] == "***"
    assert items["REELHOOK_NODE"]["value"] is None


def test_settings_as_reference_never_fails_and_as_current_does(reelhook, monkeypatch):
    monkeypatch.setenv("REELHOOK_LISTEN", "x")
    assert reelhook("settings").code == 0
    assert reelhook("settings", "--current").code == 2


def test_version_is_printed(reelhook):
    assert reelhook("version").out.startswith("reelhook 0.")
    assert reelhook("--version").out.startswith("0.")
    assert set(reelhook("version", "--json").json) == {"reelhook", "python"}


@pytest.fixture
def free_address(monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("REELHOOK_LISTEN", f"127.0.0.1:{probe.getsockname()[1]}")
        monkeypatch.setattr("reelhook.cli.doctor.machine._resolve", lambda found: found.append("ok"))
        yield


def findings(ended):
    return {each["check"]: each for each in ended.json["items"]}


def test_the_doctor_finds_nothing_wrong_before_the_first_start(reelhook, free_address):
    ended = reelhook("doctor", "--json")
    assert ended.code == 0
    found = findings(ended)
    assert "the first start makes it" in found["database"]["says"]
    assert found["server"]["level"] == "warn"
    assert found["server"]["advice"] == "start it: reelhook serve; or change REELHOOK_LISTEN"


def test_the_doctor_says_what_is_wrong_with_settings(reelhook, monkeypatch):
    monkeypatch.setenv("REELHOOK_LISTEN", "x")
    ended = reelhook("doctor")
    assert ended.code == 1
    assert "REELHOOK_LISTEN" in ended.out
    assert "→ `reelhook settings` lists all settings" in ended.out


def test_the_doctor_asks_a_running_server_whether_it_is_ready(reelhook, monkeypatch, free_address):
    with FakeApi() as fake:
        monkeypatch.setenv("REELHOOK_LISTEN", fake.url.removeprefix("http://"))
        fake.lay("GET", "/readyz", {"status": "ok"})
        fake.lay("GET", "/readyz", {"status": "ok", "held_since": "2026-11-21T06:30:10.000Z"})
        fake.lay("GET", "/readyz", {"title": "x", "status": 503, "detail": "the dispatcher is dead"}, 503)
        assert findings(reelhook("doctor", "--json"))["server"]["says"] == f"{fake.url} is ready"
        held = findings(reelhook("doctor", "--json"))["server"]
        assert (held["level"], held["says"]) == ("ok", f"{fake.url} is ready, and on hold since 2026-11-21 06:30:10Z")
        ended = reelhook("doctor", "--json")
    assert ended.code == 1
    assert "the dispatcher is dead" in findings(ended)["server"]["says"]


@pytest.mark.parametrize("given", ["environment", "option"])
def test_the_doctor_asks_the_server_of_the_url_where_there_is_one(reelhook, monkeypatch, free_address, given):
    """Regression: it looked at the address that this machine would listen on, whatever the URL said."""
    with FakeApi() as fake:
        fake.lay("GET", "/behind/readyz", {"status": "ok"})
        url = f"{fake.url}/behind"
        if given == "environment":
            monkeypatch.setenv("REELHOOK_URL", url)
        ended = reelhook("doctor", "--json", *(["--url", url] if given == "option" else []))
    assert findings(ended)["server"]["says"] == f"{url} is ready"
    assert len([each for each in ended.json["items"] if each["check"] == "server"]) == 1


@pytest.mark.parametrize(
    ("url", "level", "said"),
    [
        ("http://127.0.0.1:1", "warn", "nothing listens on http://127.0.0.1:1"),
        ("nonsense", "fail", "'nonsense' is not the URL of a server"),
    ],
)
def test_the_doctor_names_a_url_that_leads_nowhere(reelhook, monkeypatch, free_address, url, level, said):
    monkeypatch.setenv("REELHOOK_URL", url)
    found = findings(reelhook("doctor", "--json"))["server"]
    assert found["level"] == level
    assert said in found["says"]
    assert "REELHOOK_URL" in found["advice"]


def test_the_doctor_finds_a_folder_a_file_and_a_mail_server_that_are_not_right(
    reelhook, monkeypatch, free_address, tmp_path
):
    monkeypatch.setenv("REELHOOK_DATABASE", f"sqlite:///{tmp_path}/absent/r.db")
    monkeypatch.setenv("REELHOOK_SMTP_URL", "smtp://127.0.0.1:1")
    (tmp_path / "ca.pem").write_text("not a certificate")
    monkeypatch.setenv("REELHOOK_CA_FILE", "ca.pem")
    found = findings(reelhook("doctor", "--json"))
    assert found["database folder"]["level"] == "fail"
    assert found["mail server"]["level"] == "fail"
    assert found["certificate authorities"]["level"] == "fail"


def test_the_doctor_finds_a_file_that_is_no_database(reelhook, free_address, tmp_path):
    (tmp_path / "reelhook.db").write_bytes(b"this is not a database, and it is long enough to be looked at" * 20)
    ended = reelhook("doctor", "--json")
    assert ended.code == 1
    assert findings(ended)["database"]["level"] == "fail"


@pytest.fixture
def database(free_address, tmp_path):
    """A database as a first start leaves it."""
    file = tmp_path / "reelhook.db"
    connection = open_writer(file)
    migrate(connection)
    open_sealer(connection, None, tmp_path / "reelhook.db.key")
    connection.close()
    return file


def test_the_doctor_is_content_with_a_good_database(reelhook, database, tmp_path):
    before = {file.name for file in tmp_path.iterdir()}
    ended = reelhook("doctor", "--json")
    found = findings(ended)
    assert ended.code == 0
    assert "up to date" in found["database"]["says"]
    assert "is the key of this database" in found["secret key"]["says"]
    assert {file.name.removesuffix("-wal").removesuffix("-shm") for file in tmp_path.iterdir()} == before


def test_the_doctor_sees_that_a_server_uses_the_database(reelhook, database):
    lock = FileLock(database)
    said = findings(reelhook("doctor", "--json"))["lock"]["says"]
    lock.release()
    assert said == "a running Reelhook uses the database"
    assert findings(reelhook("doctor", "--json"))["lock"]["says"] == "no process uses the database"


def test_the_doctor_misses_the_key_of_the_database(reelhook, database, tmp_path):
    (tmp_path / "reelhook.db.key").unlink()
    ended = reelhook("doctor", "--json")
    assert ended.code == 1
    assert "is missing" in findings(ended)["secret key"]["says"]
    assert not (tmp_path / "reelhook.db.key").exists()


def test_the_doctor_notices_another_key_and_one_that_others_can_read(reelhook, database, monkeypatch, tmp_path):
    (tmp_path / "reelhook.db.key").chmod(0o644)
    assert findings(reelhook("doctor", "--json"))["secret key"]["level"] == "warn"
    monkeypatch.setenv("REELHOOK_SECRET_KEY", "not the key of this database")
    assert findings(reelhook("doctor", "--json"))["secret key"]["level"] == "fail"


def test_the_doctor_takes_a_database_that_was_sealed_with_a_given_key(reelhook, free_address, monkeypatch, tmp_path):
    connection = open_writer(tmp_path / "reelhook.db")
    migrate(connection)
    open_sealer(connection, Secret("a pass phrase, long enough"), tmp_path / "reelhook.db.key")
    connection.close()
    monkeypatch.setenv("REELHOOK_SECRET_KEY", "a pass phrase, long enough")
    assert findings(reelhook("doctor", "--json"))["secret key"]["level"] == "ok"


def test_the_doctor_tells_of_a_hold_and_of_a_key_that_is_being_changed(reelhook, database, monkeypatch, tmp_path):
    assert findings(reelhook("doctor", "--json"))["hold"]["level"] == "ok"
    reelhook("hold")
    other = (tmp_path / "reelhook.db.key").read_text().strip()
    connection = open_writer(database)
    open_sealer(connection, Secret("the next passphrase"), None, Secret(other))
    connection.close()
    monkeypatch.setenv("REELHOOK_SECRET_KEY", "the next passphrase")
    monkeypatch.setenv("REELHOOK_SECRET_KEY_OTHER", other)
    ended = reelhook("doctor", "--json")
    found = findings(ended)
    assert (found["hold"]["level"], found["secret key"]["level"]) == ("warn", "warn")
    assert "reelhook release" in found["hold"]["advice"]
    assert "reelhook rekey" in found["secret key"]["advice"]
    assert other not in ended.out


def test_the_doctor_takes_a_database_that_is_ahead_and_works_with_this_version(reelhook, database):
    connection = open_writer(database)
    connection.execute("UPDATE meta SET value = 99 WHERE key = 'schema_version'")
    connection.close()
    assert findings(reelhook("doctor", "--json"))["database"]["level"] == "ok"
    connection = open_writer(database)
    connection.execute("UPDATE meta SET value = 99 WHERE key = 'schema_oldest'")
    connection.close()
    assert findings(reelhook("doctor", "--json"))["database"]["level"] == "fail"
