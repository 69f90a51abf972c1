"""`--set group.field=value`: a model's settings changed for one build, by the fields of the Launchpad."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from assets.knobs import KNOBS, Knobs
from compiler.build.flow import Settings, Target


class BadChange(ValueError):
    """A change is not `group.field=value` of a known group and field; the message says what there is."""


def knobs_of(changes: Sequence[str]) -> list[Knobs]:
    """
    The changes by group, checked.

    A field that holds several entries takes them all, `shapes.inputs={x: [1, 3, 48, 192]}`, or one by its name,
    `qtable.qtable.conv1=F32`. Raises BadChange.
    """
    given: dict[str, dict[str, Any]] = {}
    for change in changes:
        path, equals, text = change.partition("=")
        group, _, rest = path.partition(".")
        field, _, entry = rest.partition(".")
        if not equals or not field:
            raise BadChange(f"--set {change}: write group.field=value, such as calibration.method=kl")
        _known(change, group, field)
        value = _value(change, text)
        if entry:
            given.setdefault(group, {}).setdefault(field, {})[entry] = value
        else:
            given.setdefault(group, {})[field] = value
    return [_checked(group, fields) for group, fields in given.items()]


def applied(settings: Settings, target: Target, knobs: Sequence[Knobs]) -> Settings:
    """The model's settings with the changes made."""
    for changed in knobs:
        settings = changed.applied(settings, target)
    return settings


def _known(change: str, group: str, field: str) -> None:
    if group not in KNOBS:
        raise BadChange(f"--set {change}: no settings {group!r}; there are {', '.join(KNOBS)}")
    if field not in KNOBS[group].model_fields:
        fields = ", ".join(KNOBS[group].model_fields)
        raise BadChange(f"--set {change}: {group} has no {field!r}; there are {fields}")


def _value(change: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadChange(f"--set {change}: {text!r} is no value: {error}") from error


def _checked(group: str, fields: Mapping[str, Any]) -> Knobs:
    """The group's fields with their types; numbers stand for texts where the field has texts."""
    kind = KNOBS[group]
    texts = {name for name, field in kind.model_fields.items() if "dict[str, str]" in str(field.annotation)}
    held = {
        name: {str(key): str(entry) for key, entry in value.items()} if name in texts and value else value
        for name, value in fields.items()
    }
    try:
        return kind(**held)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadChange(f"--set {group}.{where}: {first['msg']}; got {first['input']!r}") from error
