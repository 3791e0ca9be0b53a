"""The compiled build: the wheel's hot path translated to C by mypyc, from the same sources that run interpreted.

It is off unless asked for (`HATCH_BUILD_HOOK_ENABLE_CUSTOM=true`, which `make wheel` sets): it needs a C compiler and
Python's headers. The modules are listed in pyproject.toml. Their sources stay in the wheel beside what is made of them,
for tracebacks; nothing is written into the source tree, where it would go stale.
"""

import ast
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SOURCES = "src"


class CompiledBuild(BuildHookInterface[Any]):
    """Adds the compiled modules to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say what goes into the wheel."""
        if version == "editable":
            return  # what is edited must run as it is
        sources = Path(self.root, _SOURCES)
        modules: list[str] = self.config["modules"]
        wrong = [fault for module in modules for fault in unfit(sources / module)]
        if wrong:
            raise SystemExit("these cannot be compiled:\n" + "\n".join(wrong))
        self._made = Path(tempfile.mkdtemp(prefix="reelhook-compiled-"))
        for extension in compile_modules(sources, modules, self._made):
            build_data["force_include"][str(extension)] = str(extension.relative_to(self._made / "lib"))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what was made on the way."""
        if version != "editable":
            shutil.rmtree(self._made)


def compile_modules(sources: Path, modules: Sequence[str], into: Path) -> list[Path]:
    """Compile modules, given by their paths below `sources`; return the extensions, which lie below `into`/lib."""
    from mypyc.build import mypycify  # only who compiles has it
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    with chdir(sources):
        # One group: calls between its modules are then calls in C.
        extensions = mypycify(
            [f"--config-file={sources.parent / 'pyproject.toml'}", f"--cache-dir={into / 'types'}", *modules],
            opt_level="2",
            target_dir=str(into / "c"),
            group_name="reelhook",
        )
        build = build_ext(Distribution({"name": "reelhook", "ext_modules": extensions}))
        build.build_lib = str(into / "lib")
        build.build_temp = str(into / "tmp")
        build.parallel = True
        build.ensure_finalized()
        build.run()
    return sorted((into / "lib").rglob("*.so"))


def unfit(module: Path) -> Iterator[str]:
    """Tell why a module must not be compiled: mypyc passes over the keywords of a class statement without a word, so a
    value of msgspec would come out with other fields, other checks and no freezing.
    """
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base) for base in node.bases]
            if node.keywords or any(base.endswith("Struct") for base in bases):
                yield f"{module}:{node.lineno}: {node.name} is made by a metaclass; values stand in files of their own"
