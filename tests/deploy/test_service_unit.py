"""The systemd unit: it may do what it must, and little else."""

import re

from tests.deploy.reading import DEPLOY, environment_file, unit

from reelhook.cli.doctor.machine import _SPARE_DESCRIPTORS
from reelhook.cli.outcome import Exit
from reelhook.settings import load

SERVICE = unit()["Service"]
CONFINED = {
    "CapabilityBoundingSet": "",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateTmp": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHome": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "RemoveIPC": "yes",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
    "SystemCallErrorNumber": "EPERM",
    "SystemCallFilter": "@system-service",
    "UMask": "0077",
}
RUN = {
    *("Type", "User", "Group", "StateDirectory", "StateDirectoryMode", "WorkingDirectory", "EnvironmentFile"),
    *("LoadCredential", "Environment", "ExecStart", "Restart", "RestartSec", "RestartPreventExitStatus"),
    *("TimeoutStopSec", "LimitNOFILE", "RestrictAddressFamilies"),
}


def one(name):
    (value,) = SERVICE[name]
    return value


def test_it_has_its_three_sections_and_no_setting_twice_or_unknown():
    assert set(unit()) == {"Unit", "Service", "Install"}
    assert set(unit()["Unit"]) == {"Description", "After", "Wants"}
    assert unit()["Install"] == {"WantedBy": ["multi-user.target"]}
    assert set(SERVICE) == RUN | set(CONFINED)
    for section in unit().values():
        assert {name for name, values in section.items() if len(values) > 1} == set()


def test_it_is_confined():
    assert {name: one(name) for name in CONFINED} == CONFINED


def test_it_reaches_receivers_postgresql_and_the_resolver():
    assert set(one("RestrictAddressFamilies").split()) == {"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"}


def test_it_runs_as_the_user_that_is_made_for_it():
    lines = (DEPLOY / "systemd/reelhook.sysusers.conf").read_text().splitlines()
    (made,) = (line for line in lines if line and not line.startswith("#"))
    assert made.split()[:3] == ["u", one("User"), "-"]
    assert one("User") == one("Group") != "root"


def test_its_database_is_in_the_folder_that_it_may_write():
    folder = f"/var/lib/{one('StateDirectory')}"
    assert one("WorkingDirectory") == folder
    text = (DEPLOY / "systemd/environment.example").read_text()
    (database,) = re.findall(r"^REELHOOK_DATABASE=(.*)$", text, re.MULTILINE)
    assert database.startswith(f"sqlite:///{folder}/")


def test_its_key_comes_as_a_credential_and_not_in_the_environment():
    name, _, source = one("LoadCredential").partition(":")
    assert one("Environment") == f"REELHOOK_SECRET_KEY_FILE=%d/{name}"
    assert source.startswith("/etc/reelhook/")
    assert "REELHOOK_SECRET_KEY" not in environment_file("systemd/environment.example")


def test_it_starts_again_after_a_crash_but_not_with_wrong_settings():
    assert one("Restart") == "on-failure"
    assert int(one("RestartPreventExitStatus")) == Exit.USAGE


def test_it_may_open_as_many_files_as_it_can_need():
    assert int(one("LimitNOFILE")) >= load({}).max_in_flight + _SPARE_DESCRIPTORS
