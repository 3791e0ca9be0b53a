"""The settings: one declaration each, read from environment and file, with clear errors."""

import re
import tomllib
from ipaddress import ip_network
from pathlib import Path

import pytest

from reelhook.settings import (
    Address,
    Settings,
    SettingsError,
    as_env,
    as_markdown,
    as_toml,
    catalogue,
    load,
    settings_file,
)
from reelhook.settings.given import CLIENT_NAMES

EVERY = list(catalogue(Settings))


def complaint(environ, file=None):
    with pytest.raises(SettingsError) as caught:
        load(environ, file)
    return caught.value.detail


def written(tmp_path, text):
    file = tmp_path / "reelhook.toml"
    file.write_text(text)
    return file


def test_without_anything_given_the_defaults_of_the_contract_hold():
    settings = load({})
    assert settings.database == "sqlite:///reelhook.db"
    assert settings.database_path == Path("reelhook.db")
    assert settings.listen == Address("127.0.0.1", 8080)
    assert settings.retention_days == 30
    assert settings.allow_networks == ()
    assert settings.operator_token is None
    assert settings.secret_key is None


def test_a_default_is_the_default_of_its_declaration():
    defaults = load({})
    for each in EVERY:
        declared = None if each.default is None else each.kind.read(each.default)
        assert getattr(defaults, each.name) == declared, each.name


@pytest.mark.parametrize("each", EVERY, ids=lambda each: each.name)
def test_every_setting_says_what_it_means(each):
    assert each.environment == "REELHOOK_" + each.name.upper()
    assert len(each.meaning) > 20
    assert each.meaning.endswith(".")
    assert each.group
    assert each.kind.name


def test_values_are_read_into_what_they_are():
    settings = load(
        {
            "REELHOOK_DATABASE": "sqlite:////var/lib/reelhook/r.db",
            "REELHOOK_LISTEN": "[::1]:0",
            "REELHOOK_ALLOW_NETWORKS": "10.0.0.0/8, ::1/128  192.0.2.7",
            "REELHOOK_EGRESS_IPS": "203.0.113.7,2001:db8::7",
            "REELHOOK_PUBLIC_URL": "https://hooks.example.com/",
            "REELHOOK_HTTPS_ONLY": "yes",
            "REELHOOK_MAX_EVENT_BYTES": "64KiB",
            "REELHOOK_DRAIN_SECONDS": "2m",
            "REELHOOK_LOG_FORMAT": "JSON",
            "REELHOOK_OPERATOR_TOKEN": "sixteen-or-more-characters",
            "REELHOOK_SECRET_KEY": "a pass phrase with spaces in it",
        }
    )
    assert settings.database_path == Path("/var/lib/reelhook/r.db")
    assert str(settings.listen) == "[::1]:0"
    assert settings.allow_networks == tuple(map(ip_network, ("10.0.0.0/8", "::1/128", "192.0.2.7/32")))
    assert settings.egress_ips == ("203.0.113.7", "2001:db8::7")
    assert settings.public_url == "https://hooks.example.com"
    assert settings.https_only
    assert settings.max_event_bytes == 65536
    assert settings.drain_seconds == 120
    assert settings.log_format == "json"
    assert settings.operator_token.reveal() == "sixteen-or-more-characters"


WRONG = [
    ("DATABASE", "mysql://db", "sqlite:///"),
    ("DATABASE", "sqlite:///:memory:", "sqlite:///"),
    ("LISTEN", "8080", "host:port"),
    ("LISTEN", "127.0.0.1:99999", "host:port"),
    ("ALLOW_NETWORKS", "10.0.0.5/8", "did you mean 10.0.0.0/8 or 10.0.0.5"),
    ("ALLOW_NETWORKS", "everything", "CIDR"),
    ("EGRESS_IPS", "10.0.0.0/8", "IP addresses"),
    ("PUBLIC_URL", "ftp://x", "http"),
    ("PUBLIC_URL", "https://x?y=1", "without user"),
    ("PUBLIC_URL", "https://x:port", "http"),
    ("HTTPS_ONLY", "maybe", "true or false"),
    ("MAX_EVENT_BYTES", "1 parsec", "KiB"),
    ("MAX_EVENT_BYTES", "10", "1024 to"),
    ("MAX_IN_FLIGHT", "0", "1 to 100000"),
    ("MAX_IN_FLIGHT", "many", "whole number"),
    ("DRAIN_SECONDS", "soon", "seconds"),
    ("CIRCUIT_PAUSE", "0", "0.1 to"),
    ("LOG_FORMAT", "xml", "console or json"),
    ("SMTP_FROM", "nobody", "mail address"),
    ("OPERATOR_APP", "Not An App", "app's id"),
    ("CA_FILE", "/nonexistent.pem", "a file that exists"),
    ("NODE", "128", "0 to 127"),
    ("ROLE", "boss", "all, api or worker"),
    ("LEASE", "2", "3 to"),
    ("DATABASE_POOLER", "pgbouncer", "true or false"),
]


@pytest.mark.parametrize(("name", "value", "expected"), WRONG)
def test_a_wrong_value_is_refused_with_its_name_the_value_and_what_is_expected(name, value, expected):
    said = complaint({f"REELHOOK_{name}": value})
    assert said.startswith(f"REELHOOK_{name}: {value!r}")
    assert expected in said


@pytest.mark.fault("S28")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REELHOOK_OPERATOR_TOKEN", "canary-7"),
        ("REELHOOK_SECRET_KEY", "canary-7"),
        ("REELHOOK_SMTP_URL", "canary-7"),
        ("REELHOOK_DATABASE", "postgresql://user:canary-7@db/reelhook"),
        ("REELHOOK_PUBLIC_URL", "https://user:canary-7@host"),
    ],
)
def test_no_secret_stands_in_a_complaint(name, value):
    said = complaint({name: value})
    assert name in said
    assert "canary" not in said


def test_postgresql_needs_the_key_that_its_nodes_share():
    url = "postgresql://reelhook:canary-7@db:5432/reelhook?sslmode=require"
    settings = load({"REELHOOK_DATABASE": url, "REELHOOK_SECRET_KEY": "a passphrase of ours"})
    assert settings.database.is_postgres
    assert settings.database == url
    assert settings.database.shown == "postgresql://***@db:5432/reelhook?sslmode=require"
    assert "canary" not in repr(settings)
    assert "REELHOOK_SECRET_KEY" in complaint({"REELHOOK_DATABASE": url})


@pytest.mark.parametrize("role", ["api", "worker"])
def test_only_nodes_of_postgresql_have_a_role(role):
    on_postgres = {"REELHOOK_DATABASE": "postgresql://db/reelhook", "REELHOOK_SECRET_KEY": "a passphrase of ours"}
    assert load({"REELHOOK_ROLE": role, **on_postgres}).role == role
    assert load({"REELHOOK_ROLE": "all"}).role == load(on_postgres).role == "all"
    said = complaint({"REELHOOK_ROLE": role})
    assert said.startswith(f"REELHOOK_ROLE is {role}, and with SQLite")


def test_only_postgresql_has_a_pooler():
    assert "SQLite, which has no pooler" in complaint({"REELHOOK_DATABASE_POOLER": "true"})


@pytest.mark.parametrize(
    "url", ["postgresql://", "postgresql://host", "postgresql://host:port/reelhook", "mysql://h/d"]
)
def test_a_database_that_is_none_of_ours_is_refused(url):
    assert "expected" in complaint({"REELHOOK_DATABASE": url, "REELHOOK_SECRET_KEY": "a passphrase of ours"})


@pytest.mark.fault("S28")
def test_no_secret_stands_in_what_is_printed_of_the_settings():
    settings = load({"REELHOOK_OPERATOR_TOKEN": "canary-7-canary-7", "REELHOOK_SMTP_URL": "smtp://u:canary-7@mail"})
    assert "canary" not in repr(settings)
    assert settings.smtp_url.reveal() == "smtp://u:canary-7@mail"


def test_an_unknown_setting_is_refused_with_the_one_that_was_meant():
    assert "did you mean REELHOOK_LISTEN?" in complaint({"REELHOOK_LISTN": "127.0.0.1:80"})
    assert "`reelhook settings` lists them all" in complaint({"REELHOOK_XYZZY": "1"})


def test_everything_that_is_wrong_is_said_at_once():
    said = complaint({"REELHOOK_LISTEN": "x", "REELHOOK_NODE": "x", "REELHOOK_XYZZY": "x"}).splitlines()
    assert len(said) == 3


def test_names_of_the_command_line_and_of_others_are_left_alone():
    load({"PATH": "/bin", "LISTEN": "x"} | dict.fromkeys(CLIENT_NAMES, "x"))


def test_values_that_contradict_each_other_are_refused():
    assert "REELHOOK_CIRCUIT_PAUSE_LONGEST" in complaint({"REELHOOK_CIRCUIT_PAUSE": "2m"})
    assert "REELHOOK_MAX_BATCH_BYTES" in complaint({"REELHOOK_MAX_BATCH_BYTES": "2048"})


def test_a_file_gives_values_with_and_without_the_prefix_and_in_toml_types(tmp_path):
    file = written(
        tmp_path,
        """
        reelhook_listen = "127.0.0.1:9000"
        retention_days = 7
        https_only = true
        allow_networks = ["10.0.0.0/8", "192.168.0.0/16"]
        drain_seconds = 1.5
        """,
    )
    settings = load({}, file)
    assert settings.listen.port == 9000
    assert settings.retention_days == 7
    assert settings.https_only
    assert len(settings.allow_networks) == 2
    assert settings.drain_seconds == 1.5


def test_the_environment_wins_over_the_file_and_an_empty_value_means_the_default(tmp_path):
    file = written(tmp_path, 'listen = "127.0.0.1:9000"\nretention_days = 7\n')
    settings = load({"REELHOOK_LISTEN": "127.0.0.1:9001", "REELHOOK_RETENTION_DAYS": ""}, file)
    assert settings.listen.port == 9001
    assert settings.retention_days == 30


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("listn = 1", "listn in"),
        ("REELHOOK_LISTEN = 1", "did you mean reelhook_listen?"),
        ("listen = 1\nreelhook_listen = 1", "given twice"),
        ("[listen]\nport = 1", "expected text"),
        ("listen = [1]", "expected text"),
        ("listen = ", "cannot be read"),
        ('listen = "x"', "host:port"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_key_and_file(tmp_path, text, expected):
    file = written(tmp_path, text)
    said = complaint({}, file)
    assert expected in said
    assert str(file) in said


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    assert "no such file" in complaint({}, tmp_path / "absent.toml")


def test_which_file_counts(tmp_path):
    here = tmp_path / "reelhook.toml"
    assert settings_file({}, None, tmp_path) is None
    here.touch()
    assert settings_file({}, None, tmp_path) == here
    assert settings_file({"REELHOOK_CONFIG": "/etc/r.toml"}, None, tmp_path) == Path("/etc/r.toml")
    assert settings_file({"REELHOOK_CONFIG": "/etc/r.toml"}, Path("mine.toml"), tmp_path) == Path("mine.toml")


def test_a_secret_can_stand_in_a_file_of_its_own(tmp_path):
    (tmp_path / "token").write_text("sixteen-or-more-characters\n")
    settings = load({"REELHOOK_OPERATOR_TOKEN_FILE": str(tmp_path / "token")})
    assert settings.operator_token.reveal() == "sixteen-or-more-characters"
    assert "cannot be read" in complaint({"REELHOOK_OPERATOR_TOKEN_FILE": str(tmp_path / "absent")})
    assert "no such setting" in complaint({"REELHOOK_LISTEN_FILE": str(tmp_path / "token")})


@pytest.mark.parametrize("name", [each.environment for each in EVERY if each.secret])
def test_a_secret_and_its_file_are_not_both_taken(tmp_path, name):
    (tmp_path / "secret").write_text("smtp://somewhere.example.com")
    value = "smtp://elsewhere.example.com"
    said = complaint({name: value, f"{name}_FILE": str(tmp_path / "secret")})
    assert said == f"{name} and {name}_FILE are both set; keep one"
    assert load({name: " ", f"{name}_FILE": str(tmp_path / "secret")}) == load(
        {f"{name}_FILE": str(tmp_path / "secret")}
    )


def test_the_printed_toml_file_is_toml_and_changes_nothing(tmp_path):
    printed = as_toml()
    assert tomllib.loads(printed) == {}
    uncommented = re.sub(r"(?m)^# (reelhook_\w+ = )", r"\1", printed)
    assert set(tomllib.loads(uncommented)) == {each.key for each in EVERY}
    assert load({}, written(tmp_path, uncommented)) == load({})


def test_the_printed_environment_file_names_every_setting():
    assert re.findall(r"(?m)^# (REELHOOK_\w+)=", as_env()) == [each.environment for each in EVERY]


def test_the_page_for_the_documentation_has_a_line_for_every_setting():
    assert len(as_markdown().splitlines()) == len(EVERY) + 2
