"""Why a stage has to run, or to show another result: the difference between two recipes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from compiler.build.keys import Recipe
from compiler.build.record import DamagedRecord, Shown
from compiler.build.store import Store

PARTS = {"code": "file", "params": "parameter", "inputs": "input"}
"""What a part of the recipe is called in an explanation."""

NAMED = 5
"""Changes of one step that are named; of more, their number is told."""


def explain(store: Store, partition: str, stage: str, recipe: Recipe, shown: Mapping[str, Shown]) -> str:
    """One line that names each changed file, parameter and input since what the partition shows."""
    if stage not in shown:
        return _beside(store, partition, stage, recipe)
    before = _recipe(store, shown[stage].key)
    if before is None:
        return "its record was collected or is damaged"
    return said(differences(before, recipe.plain())) or "its object is gone or damaged"


def said(changes: list[str]) -> str:
    """The first changes in one line, and how many more there are."""
    more = len(changes) - NAMED
    return "; ".join([*changes[:NAMED], *([f"and {more} more"] if more > 0 else [])])


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Each entry that differs between two recipes, with both values cut short; parameters and inputs first."""
    found: list[str] = []
    for part in ("params", "inputs", "code"):
        old, new = dict(_flat(before.get(part, {}))), dict(_flat(after.get(part, {})))
        for name in sorted({*old, *new}):
            opened = any(other.startswith(f"{name}.") for other in (*old, *new))
            if old.get(name) != new.get(name) and not opened:
                found.append(f"{PARTS[part]} {name}: {_short(old, name)} → {_short(new, name)}")
    return found


def _beside(store: Store, partition: str, stage: str, recipe: Recipe) -> str:
    """For a stage that the partition never showed: how the most alike target of the model differs."""
    model, _, own = partition.partition("/")
    nearest: tuple[str, list[str]] | None = None
    for name in store.names(f"refs/{model}"):
        target = name.removeprefix(f"refs/{model}/").removesuffix(".json")
        other = store.refs(f"{model}/{target}").get(stage) if target != own else None
        before = _recipe(store, other.key) if other else None
        if before is not None and before.get("stage") == recipe.stage:
            changes = differences(before, recipe.plain())
            if nearest is None or len(changes) < len(nearest[1]):
                nearest = target, changes
    if nearest is None or not nearest[1]:
        return "never built"
    return f"never built for this target; since {nearest[0]}: {said(nearest[1])}"


def _recipe(store: Store, key: str) -> Mapping[str, Any] | None:
    """A record's recipe with the files' hashes of its code; None where it is gone or damaged."""
    record = store.record(key)
    try:
        recipe = record.recipe if record else None
    except DamagedRecord:
        return None
    if recipe is None or not recipe.get("code"):
        return recipe
    code = store.code(recipe["code"])
    return {**recipe, "code": code} if code else None


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The entries of nested mappings, their names joined by dots."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(cast(Mapping[str, Any], value), f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _short(values: Mapping[str, Any], name: str) -> str:
    text = str(values[name]) if name in values else "absent"
    return text[:10] if len(text) == 64 else text[:40]
