"""compose.yaml: an API, two workers and PostgreSQL, each with what it needs to know and no more."""

import re

import pytest
from tests.deploy.reading import DEPLOY, SECRETS, filled, parsed, services

NODES = [name for name, service in services().items() if service["image"] == "reelhook"]


def test_there_are_an_api_two_workers_a_migration_and_a_database():
    assert set(services()) == {"api", "worker-1", "worker-2", "migrate", "postgres"}
    roles = [
        services()[name]["environment"].get("REELHOOK_ROLE") for name in ("api", "worker-1", "worker-2", "migrate")
    ]
    assert roles == ["api", "worker", "worker", None]


def test_what_starts_waits_for_what_it_needs():
    needed = {name: service.get("depends_on", {}) for name, service in services().items()}
    assert needed.pop("postgres") == {}
    assert needed.pop("migrate") == {"postgres": {"condition": "service_healthy"}}
    for conditions in needed.values():
        assert conditions == {"migrate": {"condition": "service_completed_successfully"}}
    assert services()["postgres"]["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]


@pytest.mark.parametrize("missing", SECRETS)
def test_a_secret_that_is_not_given_is_asked_for(missing):
    assert f"{{{missing}:?" in (DEPLOY / "compose.yaml").read_text()
    with pytest.raises(KeyError, match=missing):
        filled(parsed("compose.yaml"), {name: value for name, value in SECRETS.items() if name != missing})


def test_nodes_and_database_agree_on_user_password_and_name():
    database = services()["postgres"]["environment"]
    url = "postgresql://{POSTGRES_USER}:{POSTGRES_PASSWORD}@postgres:5432/{POSTGRES_DB}".format(**database)
    assert {services()[name]["environment"]["REELHOOK_DATABASE"] for name in NODES} == {url}
    assert not any(name.startswith("REELHOOK_") for name in database)


@pytest.mark.parametrize("name", NODES)
def test_a_node_is_confined(name):
    node = services()[name]
    assert node["read_only"] is True
    assert node["cap_drop"] == ["ALL"]
    assert node["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in node


@pytest.mark.parametrize("name", NODES)
def test_a_node_is_built_from_the_dockerfile_of_this_folder(name):
    build = services()[name]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


def test_what_the_database_keeps_outlives_it():
    (mount,) = services()["postgres"]["volumes"]
    volume, target = mount.split(":")
    assert volume in parsed("compose.yaml")["volumes"]
    major = int(re.fullmatch(r"postgres:(\d+)-\w+", services()["postgres"]["image"])[1])
    # Where the image keeps its data: since 18 in a folder of each version below this one.
    assert major >= 18
    assert target == "/var/lib/postgresql"


def test_only_the_api_is_published_and_only_on_the_loopback():
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8080:8080"]}


def test_nothing_needs_a_swarm():
    for service in services().values():
        assert not {"deploy", "configs", "secrets"} & set(service)
