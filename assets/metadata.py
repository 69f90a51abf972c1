"""From a stage's plain metadata to what Dagster shows."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

MAX_ROWS = 20
"""Rows of a table that go into the event log; the artifact has them all."""


def shown(metadata: Mapping[str, Any]) -> dict[str, dg.MetadataValue[Any]]:
    """Numbers, texts and tables, under the stage's own names; empty tables and absent values are left out."""
    entries = {name: _value(value) for name, value in metadata.items()}
    return {name: value for name, value in entries.items() if value is not None}


def _value(value: Any) -> dg.MetadataValue[Any] | None:
    match value:
        case bool():
            return dg.MetadataValue.bool(value)
        case int():
            return dg.MetadataValue.int(value)
        case float():
            return dg.MetadataValue.float(value) if math.isfinite(value) else dg.MetadataValue.text(str(value))
        case str():
            return dg.MetadataValue.text(value)
        case [Mapping(), *_]:
            return table(value)
        case None | []:
            return None
        case _:
            return dg.MetadataValue.json(value)


def table(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """The first rows as a table with the columns of the first; what a cell can't hold becomes text."""
    kinds = {name: _kind(value) for name, value in rows[0].items()}
    schema = dg.TableSchema(columns=[dg.TableColumn(name, kind) for name, kind in kinds.items()])
    records = [dg.TableRecord({name: _cell(row.get(name)) for name in kinds}) for row in rows[:MAX_ROWS]]
    return dg.MetadataValue.table(records=records, schema=schema)


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case _:
            return "string"


def _cell(value: Any) -> str | int | float | bool | None:
    match value:
        case float():
            return float(f"{value:.6g}") if math.isfinite(value) else str(value)
        case bool() | int() | str() | None:
            return value
        case _:
            return str(value)
