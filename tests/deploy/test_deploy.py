"""What deploy/ starts is what is tested: commands, settings, time to stop; however it is installed."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.deploy import reading
from tests.deploy.reading import DEPLOY, KNOWN, NAMES, ROOT, SECRETS, dockerfile, environments, pods, services, unit

from reelhook.cli.main import COMMANDS, build
from reelhook.settings import load

PAGES = [DEPLOY / "README.md", ROOT / "docs" / "operations.md"]
SPARE_SECONDS = 30


def started() -> dict[str, list[str]]:
    """Return the arguments of our program, for everything that starts it."""
    said = {one.keyword: one.words() for one in dockerfile() if one.keyword in ("ENTRYPOINT", "CMD")}
    assert said["ENTRYPOINT"] == ["reelhook"]
    program, *arguments = unit()["Service"]["ExecStart"][0].split()
    assert program == "/opt/reelhook/bin/reelhook"
    found = {"image": said["CMD"], "systemd": arguments}
    found |= {f"compose {name}": one["command"] for name, one in services().items() if one["image"] == "reelhook"}
    for component, pod in pods():
        for container in [*pod["initContainers"], *pod["containers"]]:
            found[f"kubernetes {component} {container['name']}"] = container["args"]
    return found


@pytest.mark.parametrize("arguments", started().values(), ids=started())
def test_what_is_started_is_a_command_of_ours(arguments):
    command, bound, unused, *_ = build(whole=False).parse_args(arguments, exit_on_error=False, print_error=False)
    assert command.__name__ == arguments[0]
    assert not unused
    assert not bound.arguments


def written() -> list[str]:
    """Return the first words of the commands of ours that the pages show, wherever in a line they are run."""
    found = []
    for page in PAGES:
        for block in re.findall(r"^```(?:console|bash)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
            found += re.findall(
                r"(?:^\$ |^|\| |-- |exec \w+ |xargs -r -n 1 )reelhook ([a-z]+(?: [a-z]+)?)", block, re.MULTILINE
            )
    return found


@pytest.mark.parametrize("text", written())
def test_a_command_on_a_page_is_one_of_ours(text):
    name, *more = text.split()
    assert name in {each[0] for each in COMMANDS}
    if name in ("endpoints", "deliveries", "events", "token"):
        assert more[0] in list(build(whole=False)[name])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_setting_on_a_page_is_one_of_ours(page):
    assert set(re.findall(r"\bREELHOOK_[A-Z_]+\b", page.read_text())) <= NAMES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_leads_to_what_is_there(page):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    assert targets
    assert [each for each in targets if "://" not in each and not (page.parent / each).exists()] == []


@pytest.mark.parametrize("given", environments().values(), ids=environments())
def test_what_is_set_can_be_set(given):
    ours = {name: value for name, value in given.items() if name.startswith("REELHOOK_")}
    assert set(ours) <= NAMES
    files = {name: value for name, value in ours.items() if name.endswith("_FILE")}
    database = urlsplit(ours["REELHOOK_DATABASE"])
    assert database.scheme in ("sqlite", "postgresql")
    if database.scheme == "postgresql":
        assert (bool(database.username), bool(database.hostname), database.path) == (True, True, "/reelhook")
    # The files of secrets are elsewhere.
    here = {name: value for name, value in ours.items() if name in KNOWN and name not in files}
    load(here | {"REELHOOK_SECRET_KEY": "a passphrase of ours"})


def test_nodes_that_share_a_database_are_given_the_key_that_they_share():
    many = {
        name: given for name, given in environments().items() if given["REELHOOK_DATABASE"].startswith("postgresql")
    }
    assert {name.split()[0] for name in many} == {"compose", "kubernetes"}
    assert {name for name, given in many.items() if not given.get("REELHOOK_SECRET_KEY")} == set()
    assert {given["REELHOOK_ROLE"] for given in many.values() if "REELHOOK_ROLE" in given} == {"api", "worker"}


def test_no_secret_stands_in_deploy():
    for path in ("compose.yaml", ".env.example", "systemd/environment.example", "kubernetes/secret.example.yaml"):
        text = (DEPLOY / path).read_text()
        assert not re.search(r"[0-9a-f]{32}|[\w+/]{43}=|whsec_|rhk_", text), path
    empty = reading.environment_file(".env.example")
    assert {name for name in SECRETS if empty[name]} == set()
    assert set(SECRETS) < set(empty)


def times_to_stop() -> list[tuple[str, Any, float, dict[str, str]]]:
    """Return for each process how long it may take to stop, and what goes by before it hears of it."""
    every = environments()
    found = [("systemd", int(unit()["Service"]["TimeoutStopSec"][0]), 0, every["systemd"])]
    for name, service in services().items():
        if f"compose {name}" in every:
            found.append((name, int(service["stop_grace_period"].removesuffix("s")), 0, every[f"compose {name}"]))
    for component, pod in pods():
        before = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        found.append((component, pod["terminationGracePeriodSeconds"], before, every[f"kubernetes {component}"]))
    return found


@pytest.mark.parametrize(("granted", "before", "given"), [row[1:] for row in times_to_stop()])
def test_a_stop_is_given_the_time_to_drain_and_to_store_the_last_results(granted, before, given):
    assert granted >= before + float(given["REELHOOK_DRAIN_SECONDS"]) + SPARE_SECONDS
