"""The Kubernetes manifests: they fit each other and the program."""

import json

import pytest
from tests.deploy.reading import DEPLOY, SECRETS, of_kind, parsed, pods

from reelhook.api import app, documentation

FOLDER = DEPLOY / "kubernetes"
PODS = dict(pods())
DESCRIBED = app.ROUTES + app.COMPAT_ROUTES
ROUTES = {route.path for route in DESCRIBED + documentation.routes(DESCRIBED, "", docs=True)}
INSIDE = {"/healthz", "/readyz", "/metrics"}
AT_ROOT = "/apps/"
"""Where Vimeo's clients look, too."""
RECEIVING = "/in/"


def test_every_manifest_belongs_to_the_kustomization_or_is_an_example():
    listed = set(parsed("kubernetes/kustomization.yaml")["resources"])
    there = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert there - listed == {name for name in there if name.endswith(".example.yaml")}
    assert listed <= there


def test_the_api_and_the_worker_differ_in_their_role_only():
    api, worker = ((FOLDER / name).read_text() for name in ("api.yaml", "worker.yaml"))
    said = (
        ("reelhook-api", "reelhook-worker"),
        ("component: api", "component: worker"),
        ("value: api", "value: worker"),
    )
    for of_api, of_worker in said:
        assert of_api in api
        api = api.replace(of_api, of_worker)
    assert api == worker


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_a_pod_gets_no_names_of_services_as_settings(pod):
    assert pod["enableServiceLinks"] is False


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_a_pod_is_confined(pod):
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert f"USER {pod['securityContext']['runAsUser']}:" in (DEPLOY / "Dockerfile").read_text()
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["initContainers"] + pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} == set(container["resources"]["requests"])
        assert set(container["resources"]["limits"]) == {"memory"}


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_a_pod_is_asked_what_the_program_answers(pod):
    (container,) = pod["containers"]
    asked = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert {get["path"] for get in asked.values()} <= ROUTES
    # A database that is away must not lead to restarts, only to no more requests.
    assert [asked[kind]["path"] for kind in asked] == ["/healthz", "/healthz", "/readyz"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert {get["port"] for get in asked.values()} == set(ports)
    assert f"EXPOSE {ports['http']}\n" in (DEPLOY / "Dockerfile").read_text()


@pytest.mark.parametrize("each", of_kind("Deployment"), ids=lambda each: each["metadata"]["name"])
def test_prometheus_is_told_where_the_figures_are(each):
    told = each["spec"]["template"]["metadata"]["annotations"]
    assert told["prometheus.io/path"] in ROUTES
    (container,) = each["spec"]["template"]["spec"]["containers"]
    assert told["prometheus.io/port"] == str(container["ports"][0]["containerPort"])


def test_what_chooses_pods_chooses_pods_that_there_are():
    component = "app.kubernetes.io/component"
    for kind in ("Deployment", "PodDisruptionBudget"):
        chosen = {each["spec"]["selector"]["matchLabels"][component] for each in of_kind(kind)}
        assert chosen == {"api", "worker"}
    (service,) = of_kind("Service")
    assert service["spec"]["selector"] == {component: "api"}
    assert service["spec"]["ports"][0]["targetPort"] == "http"
    deployments = {each["metadata"]["name"] for each in of_kind("Deployment")}
    scaled = [each["spec"] for each in of_kind("HorizontalPodAutoscaler")]
    assert {each["scaleTargetRef"]["name"] for each in scaled} == deployments
    # With the one that comes before another goes, far from the 128 that one database can number.
    assert sum(each["maxReplicas"] for each in scaled) <= 64


def test_secrets_and_settings_are_read_from_what_there_is():
    (secret,) = of_kind("Secret")
    (generator,) = parsed("kubernetes/kustomization.yaml")["configMapGenerator"]
    assert set(secret["stringData"]) == {"REELHOOK_DATABASE", "REELHOOK_SECRET_KEY", "REELHOOK_OPERATOR_TOKEN"}
    assert set(SECRETS) - {"POSTGRES_PASSWORD"} < set(secret["stringData"])
    for pod in PODS.values():
        for container in pod["initContainers"] + pod["containers"]:
            assert container["envFrom"] == [
                {"configMapRef": {"name": generator["name"]}},
                {"secretRef": {"name": secret["metadata"]["name"]}},
            ]


def test_what_is_mounted_is_there():
    for pod in PODS.values():
        volumes = {each["name"] for each in pod["volumes"]}
        for container in pod["initContainers"] + pod["containers"]:
            assert {each["name"] for each in container["volumeMounts"]} == volumes


def test_the_ingress_lets_in_what_is_for_the_world_and_nothing_else():
    (ingress,) = of_kind("Ingress")
    (rule,) = ingress["spec"]["rules"]
    paths = [each["path"] for each in rule["http"]["paths"]]
    assert {json.dumps(each["backend"]) for each in rule["http"]["paths"]} == {
        json.dumps({"service": {"name": "reelhook", "port": {"name": "http"}}})
    }

    def let_in(path):
        return any(path == prefix or path.startswith(f"{prefix}/") for prefix in paths)

    assert {path for path in ROUTES if not let_in(path)} == INSIDE
    idle = {prefix for prefix in paths if not any(f"{path}/".startswith(f"{prefix}/") for path in ROUTES)}
    assert idle == {AT_ROOT.rstrip("/"), RECEIVING.rstrip("/")} - {f"/{path.split('/')[1]}" for path in ROUTES}
