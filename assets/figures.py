"""Small pictures of an artifact, drawn once for each state of artifact and plotting code."""

import base64
import importlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from compiler.build.builder import Builder
from compiler.build.keys import Code, Recipe
from compiler.build.store import Record, Ref

MAX_BYTES = 8192
"""Of one picture: each event of each run carries it."""

QUALITIES = (80, 60, 40, 25, 10)


@dataclass(frozen=True)
class Figure:
    """
    A picture by name; `assets.plots.<name>` draws it.

    That module's `draw(inputs)` takes the directories of the artifact and of what it was made from, by asset name, and
    returns a matplotlib figure.
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
        (out / "plot.webp").write_bytes(encode(module.draw({name: ref.path for name, ref in inputs.items()})))
        return {}

    return builder.store.build(recipe.key, recipe.plain(), make).ref.path / "plot.webp"


def encode(figure: Any) -> bytes:
    """A matplotlib figure as WebP, at the best quality of QUALITIES that keeps within MAX_BYTES."""
    data = b""
    for quality in QUALITIES:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="webp", pil_kwargs={"quality": quality, "method": 6})
        data = buffer.getvalue()
        if len(data) <= MAX_BYTES:
            break
    return data


def _embedded(name: str, path: Path) -> dg.MarkdownMetadataValue:
    data = base64.b64encode(path.read_bytes()).decode()
    return dg.MetadataValue.md(f"![{name}](data:image/webp;base64,{data})")
