"""Why a stage has to run: the difference between its recipe and that of what its partition shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from compiler.build.keys import Recipe
from compiler.build.store import Store

PARTS = {"code": "file", "params": "parameter", "inputs": "input"}
"""What a part of the recipe is called in an explanation."""


def explain(store: Store, partition: str, stage: str, recipe: Recipe) -> str:
    """One line that names each changed file, parameter and input."""
    shown = store.shown(partition, stage)
    if shown is None:
        return "never built"
    try:
        before: Mapping[str, Any] = json.loads(store.record_path(shown[0]).read_bytes())["recipe"]
    except FileNotFoundError:
        return "its record was collected"
    changes = differences(before, recipe.plain())
    return "; ".join(changes) if changes else "its object is gone or damaged"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Each entry that differs between two recipes, with both values cut short."""
    found: list[str] = []
    for part, called in PARTS.items():
        old, new = before.get(part, {}), after.get(part, {})
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                found.append(f"{called} {name}: {_short(old, name)} → {_short(new, name)}")
    return found


def _short(values: Mapping[str, Any], name: str) -> str:
    text = str(values[name]) if name in values else "absent"
    return text[:10] if len(text) == 64 else text[:40]
