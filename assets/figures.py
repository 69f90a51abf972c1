"""Small pictures of an artifact, drawn once for each state of artifact and plotting code."""

import base64
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from assets.plots.webp import MAX_BYTES
from compiler.build.builder import Builder
from compiler.build.keys import Code, Recipe
from compiler.build.store import Record, Ref


class TooLarge(ValueError):
    """A picture is larger than an event may carry; the message names it and its size."""


@dataclass(frozen=True)
class Figure:
    """
    A picture by name; `assets.plots.<name>` draws it.

    That module's `draw(inputs)` takes the directories of the artifact and of what it was made from, by asset name, and
    returns a WebP file's bytes, at most MAX_BYTES.
    """

    name: str

    @property
    def module(self) -> str:
        """The module that draws it."""
        return f"assets.plots.{self.name}"


@cache
def plotting_code() -> Code:
    """The sources that can take part in drawing."""
    return Code(("assets", "compiler", "simulator"))


def drawn(
    builder: Builder, figures: Sequence[Figure], stage: str, record: Record, upstream: Mapping[str, Ref]
) -> dict[str, dg.MarkdownMetadataValue]:
    """Each figure as Markdown with the picture in it; the pictures live in the store beside the artifacts."""
    inputs = {**upstream, stage: record.ref}
    return {figure.name: _embedded(figure.name, _picture(builder, figure, inputs)) for figure in figures}


def _picture(builder: Builder, figure: Figure, inputs: Mapping[str, Ref]) -> Path:
    code = plotting_code()
    recipe = Recipe(figure.module, code.closure(figure.module), {}, {name: ref.hash for name, ref in inputs.items()})

    def make(out: Path) -> dict[str, Any]:
        module = importlib.import_module(figure.module)
        code.verify(figure.module)
        data = module.draw({name: ref.path for name, ref in inputs.items()})
        if len(data) > MAX_BYTES:
            raise TooLarge(f"{figure.module} drew {len(data):,} bytes; a picture has at most {MAX_BYTES:,}: show less")
        (out / "plot.webp").write_bytes(data)
        return {}

    return builder.store.build(recipe.key, recipe.plain(), make).ref.path / "plot.webp"


def _embedded(name: str, path: Path) -> dg.MarkdownMetadataValue:
    data = base64.b64encode(path.read_bytes()).decode()
    return dg.MetadataValue.md(f"![{name}](data:image/webp;base64,{data})")
