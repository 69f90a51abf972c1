"""
What a stage's result depends on, as one hash.

A stage's code is its module, everything that module imports, the `__init__` of every parent package (they run too), the
data files beside those modules, and the versions of the packages any of them imports.
"""

from __future__ import annotations

import functools
import importlib.metadata
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import grimp

from compiler.build import hashes

DATA_SUFFIXES = frozenset({".toml", ".yaml", ".json", ".npz", ".csv", ".c", ".td", ".j2"})
"""Kinds of file beside a module that its code may read."""


class SourceChanged(Exception):
    """A source file was edited after this process had taken its hash; what it would build belongs to no known code."""


class EditablePackage(Exception):
    """A package is installed in editable form, so that its version does not say what it holds."""


class Closure(dict[str, str]):
    """All that can run when a module does: {source file: hash, package: version}."""

    @functools.cached_property
    def digest(self) -> str:
        """One hash for all of it."""
        return hashes.of_value(self)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a stage's result: its code, just the parameters it reads, and its inputs' contents."""

    stage: str
    code: Closure
    params: Mapping[str, Any]
    inputs: Mapping[str, str]

    @property
    def key(self) -> str:
        """SHA-256 over all of it. The model and the target are not in it, so that targets share what they can."""
        return hashes.of_value([self.stage, self.code.digest, self.params, self.inputs])

    def plain(self) -> dict[str, Any]:
        """The recipe as JSON values, for the record; the code is as it came, so that the store can keep it apart."""
        return {"stage": self.stage, "code": self.code, "params": dict(self.params), "inputs": dict(self.inputs)}


class Code:
    """The sources of some packages as they were when this object was made."""

    def __init__(self, packages: Sequence[str] = ("compiler", "simulator")) -> None:
        self.packages = tuple(packages)
        self._roots = {package: _folder(package) for package in self.packages}
        self._graph = grimp.build_graph(
            *self.packages, include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
        )
        self._hashes = {
            f"{package}/{name}": hashes.of_file(path)
            for package, folder in self._roots.items()
            for name, path in hashes.files_in(folder)
            if path.suffix in DATA_SUFFIXES | {".py"}
        }
        self._beside = _by_folder(name for name in self._hashes if not name.endswith(".py") or _is_init(name))
        self._closures: dict[str, Closure] = {}

    def folder(self, package: str) -> Path:
        """Where one of the packages' sources are."""
        return self._roots[package]

    def closure(self, module: str) -> Closure:
        """
        All that can run when `module` does.

        Raises LookupError for a module there is none of, EditablePackage where a version would not tell.
        """
        if module not in self._closures:
            if module not in self._graph.modules:
                raise LookupError(f"no module {module} in {', '.join(self.packages)}")
            self._closures[module] = self._collect(module)
        return self._closures[module]

    def digest(self, module: str) -> str:
        """One hash for all of `closure(module)`."""
        return self.closure(module).digest

    def importers(self, package: str) -> list[str]:
        """Own modules that import an outside package themselves, by name."""
        return sorted(self._graph.find_modules_that_directly_import(package)) if package in self._graph.modules else []

    def verify(self, module: str) -> None:
        """Raise SourceChanged unless every file of the closure is still what it was."""
        for name, then in self.closure(module).items():
            if name in self._hashes and self._now(name) != then:
                raise SourceChanged(f"{name} was edited after this process read it; start again (in the UI: reload)")

    def _now(self, name: str) -> str | None:
        package, _, rest = name.partition("/")
        path = self._roots[package] / rest
        return hashes.of_file(path) if path.is_file() else None

    def _collect(self, module: str) -> Closure:
        found = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
        todo, seen = [module], set[str]()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            if name.partition(".")[0] not in self._roots:
                if name not in sys.stdlib_module_names:
                    found[name] = package_version(name)
                continue
            todo.extend(self._graph.find_modules_directly_imported_by(name))
            if "." in name:
                todo.append(name.rpartition(".")[0])
            found.update(self._files_of(name))
        return Closure(sorted(found.items()))

    def _files_of(self, module: str) -> dict[str, str]:
        path = module.replace(".", "/")
        if f"{path}.py" in self._hashes:
            return {f"{path}.py": self._hashes[f"{path}.py"]}
        return {name: self._hashes[name] for name in self._beside.get(path, ())}


@functools.cache
def package_version(module: str) -> str:
    """The version of the distribution an outside top-level module comes from, `a+b` where several share it."""
    try:
        return _version_of(module)
    except importlib.metadata.PackageNotFoundError:
        owners = sorted(set(_owners(module))) or sorted(importlib.metadata.packages_distributions().get(module, ()))
        return "+".join(_version_of(owner) for owner in owners) or "unknown"


def _owners(module: str) -> Iterator[str]:
    """Distributions that list a file of that top-level module; quicker than asking for the owners of all modules."""
    for held in importlib.metadata.distributions():
        files = "\n" + (held.read_text("RECORD") or "")
        if f"\n{module}/" in files or f"\n{module}.py" in files:
            yield held.metadata["Name"]


def _by_folder(names: Iterable[str]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.rpartition("/")[0], []).append(name)
    return found


def _is_init(name: str) -> bool:
    return name.endswith("/__init__.py")


def _version_of(distribution: str) -> str:
    held = importlib.metadata.distribution(distribution)
    if '"editable": true' in (held.read_text("direct_url.json") or ""):
        raise EditablePackage(f"{distribution} is installed editable; install a built version of it")
    return held.version


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"no package {package} on the path")
    return Path(spec.submodule_search_locations[0])
