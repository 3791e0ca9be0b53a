"""The compiled build: its list names modules that are there and can be compiled; what cannot be is refused aloud."""

import tomllib
from pathlib import Path

import pytest
from hatch_build import unfit

ROOT = Path(__file__).parents[2]
MODULES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"][
    "custom"
]["modules"]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_on_the_list_is_there_and_defines_no_values(module: str) -> None:
    assert list(unfit(ROOT / "src" / module)) == []


@pytest.mark.parametrize(
    "text",
    ["class A(msgspec.Struct):\n    x: int\n", "class A(Struct, gc=False):\n    x: int\n", "class A(metaclass=M): ..."],
)
def test_a_value_is_refused_by_name_because_it_would_lose_its_checks(tmp_path: Path, text: str) -> None:
    module = tmp_path / "values.py"
    module.write_text("X = 1\n" + text)
    (fault,) = unfit(module)
    assert f"{module}:2: A is made by a metaclass" in fault


def test_ordinary_classes_named_tuples_and_enums_are_fit(tmp_path: Path) -> None:
    module = tmp_path / "rules.py"
    module.write_text("class A: ...\nclass B(NamedTuple):\n    x: int\nclass C(StrEnum):\n    D = 'd'\n")
    assert list(unfit(module)) == []
