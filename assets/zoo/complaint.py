"""What is wrong with a record, said for the person who wrote it: line, field, reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

YAML: Any = yaml
"""It ships no types for the function that is used."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: the file as the user would say it, the line (0: none), the field, and the mend."""

    file: str
    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.reason}" if self.field else f"{place}: {self.reason}"


class Faulty(ValueError):
    """Files of a model that can't be taken; the message has a line for each of `faults`."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


def of_fields(path: Path, text: str, error: ValidationError) -> list[Fault]:
    """A fault for each field that is wrong."""
    root = _tree(text)
    return [_told(shown(path), root, details) for details in error.errors(include_url=False)]


def of_syntax(path: Path, error: yaml.YAMLError) -> Fault:
    """What isn't YAML, and where."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    return Fault(shown(path), mark.line + 1 if mark else 1, "", f"this isn't YAML: {problem}")


def of_field(path: Path, text: str, field: str, reason: str) -> Fault:
    """What is wrong with one field, written with dots."""
    line, _ = _place(_tree(text), field.split("."))
    return Fault(shown(path), line, field, reason)


def shown(path: Path) -> str:
    """A path as short as it can be said from the working directory."""
    resolved, here = path.resolve(), Path.cwd().resolve()
    return str(resolved.relative_to(here)) if resolved.is_relative_to(here) else str(path)


def _tree(text: str) -> yaml.Node | None:
    """The file's nodes, which know their lines."""
    return YAML.compose(text, yaml.SafeLoader)


def _told(file: str, root: yaml.Node | None, details: ErrorDetails) -> Fault:
    told = details.get("ctx", {})
    unknown = [told["at"]] if "at" in told else list[object]()
    line, path = _place(root, [*details["loc"], *unknown])
    return Fault(file, line, ".".join(path), _reason(details))


def _reason(details: ErrorDetails) -> str:
    reason = details["msg"]
    if details["type"] == "missing":
        return "this field is missing"
    return reason.removeprefix("Value error, ") if details["type"] == "value_error" else reason[:1].lower() + reason[1:]


def _place(root: yaml.Node | None, path: Sequence[object]) -> tuple[int, list[str]]:
    """
    The line (from 1) of a field, or of the nearest group around it, and the field's name as it stands in the file.

    A step that is the validator's own, the kind of a source, is left out.
    """
    node, line, names = root, 1, list[str]()
    for i, step in enumerate(path):
        if i + 1 < len(path) and any(
            key.value == "kind" and kind.value == step for key, kind in _entries(node, "kind")
        ):
            continue
        found = next(_entries(node, step), None)
        if found is not None:
            key, node = found
            line = key.start_mark.line + 1
            names.append(str(step))
        elif i + 1 == len(path):
            names.append(str(step))
    return line, names


def _entries(node: yaml.Node | None, step: object) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """The entry of a mapping or a list that a step leads to, with the node that its line is read from."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key, value) for key, value in node.value if str(key.value) == str(step))
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        yield node.value[step], node.value[step]
