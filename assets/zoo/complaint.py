"""What is wrong with a record, said for the person who wrote it: line, field, reason."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

YAML: Any = yaml
"""It ships no types for this function."""


def of_fields(where: str, text: str, error: ValidationError) -> str:
    """`file:line: field: reason`, a line for each field that is wrong."""
    root = _tree(text)
    return "\n".join(_told(where, root, details) for details in error.errors(include_url=False))


def of_syntax(where: str, error: yaml.YAMLError) -> str:
    """`file:line: reason` of what isn't YAML."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    return f"{where}:{mark.line + 1 if mark else 1}: this isn't YAML: {problem}"


def of_field(where: str, text: str, field: str, reason: str) -> str:
    """`file:line: field: reason` of one field, written with dots."""
    line, _ = _place(_tree(text), field.split("."))
    return f"{where}:{line}: {field}: {reason}"


def shown(path: Path) -> str:
    """A path as short as it can be said from the working directory."""
    resolved, here = path.resolve(), Path.cwd().resolve()
    return str(resolved.relative_to(here)) if resolved.is_relative_to(here) else str(path)


def _tree(text: str) -> yaml.Node | None:
    """The file's nodes, which know their lines."""
    return YAML.compose(text, yaml.SafeLoader)


def _told(where: str, root: yaml.Node | None, details: ErrorDetails) -> str:
    told = details.get("ctx", {})
    unknown = [told["at"]] if "at" in told else list[object]()
    line, path = _place(root, [*details["loc"], *unknown])
    field = ".".join(path)
    return f"{where}:{line}: {field}: {_reason(details)}" if field else f"{where}:{line}: {_reason(details)}"


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
