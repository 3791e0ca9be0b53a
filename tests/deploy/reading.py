"""Reads what stands in deploy/: the Dockerfile, compose.yaml, the unit, the manifests; all as plain values."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from reelhook.settings import Settings, catalogue
from reelhook.settings.given import CLIENT_NAMES

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
SECRETS: Final = {
    "POSTGRES_PASSWORD": "a0b1c2",
    "REELHOOK_SECRET_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "REELHOOK_OPERATOR_TOKEN": "sixteen-or-more-characters",
}
"""What an operator fills in."""
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")

KNOWN: Final = {each.environment for each in catalogue(Settings)}
FILES: Final = {each.environment + "_FILE" for each in catalogue(Settings) if each.secret}
NAMES: Final = KNOWN | FILES | set(CLIENT_NAMES)


class Instruction(NamedTuple):
    """One line of the Dockerfile; `stage` counts from 0."""

    stage: int
    keyword: str
    text: str

    def words(self) -> list[str]:
        """Return an exec form as the command that it is; ValueError for a line that a shell would read."""
        words: list[str] = json.loads(self.text)
        return words


def dockerfile() -> list[Instruction]:
    """Return the instructions, one behind the other."""
    joined = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text())
    found: list[Instruction] = []
    stage = -1
    for line in joined.splitlines():
        if line and not line.startswith("#"):
            keyword, _, text = line.partition(" ")
            stage += keyword == "FROM"
            found.append(Instruction(stage, keyword, text))
    return found


def image_environment() -> dict[str, str]:
    """Return what the image sets, where the program runs in it."""
    last = dockerfile()[-1].stage
    (given,) = (one.text for one in dockerfile() if one.keyword == "ENV" and one.stage == last)
    return dict(word.split("=", 1) for word in shlex.split(given))


def parsed(path: str) -> Any:
    """Return a YAML file of one document."""
    return yaml.safe_load((DEPLOY / path).read_text())


def filled(value: Any, given: Mapping[str, str] = SECRETS) -> Any:
    """Put the variables of compose.yaml in, as compose does; KeyError for one that must be given and is not."""
    if isinstance(value, dict):
        return {name: filled(inner, given) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, given) for inner in value]
    return _interpolated(value, given) if isinstance(value, str) else value


def _interpolated(text: str, given: Mapping[str, str]) -> str:

    def value(found: re.Match[str]) -> str:
        name, kind, default = found.groups()
        return given.get(name, default) if kind == "-" else given[name]

    return _VARIABLE.sub(value, text)


def services() -> dict[str, Any]:
    """Return the services of compose.yaml, with the variables put in."""
    found: dict[str, Any] = filled(parsed("compose.yaml"))["services"]
    return found


def unit() -> dict[str, dict[str, list[str]]]:
    """Return the systemd unit: sections, in them names, each with its values in their order."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in (DEPLOY / "systemd/reelhook.service").read_text().splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith(("#", ";")):
            name, sign, value = line.partition("=")
            assert sign, f"neither a section nor a setting: {line}"
            assert re.fullmatch("[A-Z][A-Za-z]+", name), f"no name of a setting: {line}"
            section.setdefault(name, []).append(value)
    return sections


def environment_file(path: str) -> dict[str, str]:
    """Return what a file of environment variables gives, also what stands there as an example behind a #."""
    lines = re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", (DEPLOY / path).read_text(), re.MULTILINE)
    return dict(reversed(lines))


def manifests() -> list[dict[str, Any]]:
    """Return every Kubernetes object, those of the examples too."""
    found: list[dict[str, Any]] = []
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        found += yaml.safe_load_all(path.read_text())
    return found


def of_kind(kind: str) -> list[dict[str, Any]]:
    """Return the Kubernetes objects of one kind."""
    return [each for each in manifests() if each["kind"] == kind]


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Go through the pods of the deployments, by their component."""
    for each in of_kind("Deployment"):
        yield (
            each["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"],
            each["spec"]["template"]["spec"],
        )


def configured() -> dict[str, str]:
    """Return what the generated config map holds."""
    (generator,) = parsed("kubernetes/kustomization.yaml")["configMapGenerator"]
    return dict(literal.split("=", 1) for literal in generator["literals"])


def environments() -> dict[str, dict[str, str]]:
    """Return the environment of every process that anything in deploy/ starts."""
    image = image_environment()
    found = {"image": image, "systemd": environment_file("systemd/environment.example") | _of_unit()}
    for name, service in services().items():
        if service["image"] == "reelhook":
            found[f"compose {name}"] = image | service["environment"]
    (secret,) = of_kind("Secret")
    for component, pod in pods():
        (container,) = pod["containers"]
        own = {each["name"]: each["value"] for each in container["env"]}
        found[f"kubernetes {component}"] = image | configured() | secret["stringData"] | own
    return found


def _of_unit() -> dict[str, str]:
    return dict(each.split("=", 1) for each in unit()["Service"]["Environment"])
