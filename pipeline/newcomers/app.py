"""`tpuflow zoo`: the models there are, new ones, and what is wrong with their files."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The models there are, and new ones.")

ModelFile = Annotated[
    Path, typer.Argument(exists=True, help="The model: ONNX, .pt2, .pt, .keras, .tflite, a SavedModel's folder, ….")
]
Shapes = Annotated[
    list[str] | None, typer.Option("--input", help="An input's extents, such as x=1,3,224,224; may be repeated.")
]
Npz = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="An .npz with an array for each input.")]
Labelled = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="The same to judge by, with `labels` if there are any.")
]


@app.command()
def add(
    model: ModelFile,
    name: Annotated[str | None, typer.Option(help="What to call it; by default as its file.")] = None,
    inputs: Shapes = None,
    calibration: Npz = None,
    evaluation: Labelled = None,
    licence: Annotated[str | None, typer.Option(help="Whose it is, and on what terms.")] = None,
    into: Annotated[Path | None, typer.Option(help="The folder; by default $TPUFLOW_MODELS, else my_models.")] = None,
    force: Annotated[bool, typer.Option(help="Replace what is there.")] = False,
    framework: Annotated[str | None, typer.Option(help="Whose file it is, where its ending doesn't tell.")] = None,
    entry: Annotated[str | None, typer.Option(help="Of a Python file: the callable that makes the model.")] = None,
    trust: Annotated[bool, typer.Option(help="Run the code that lies in the file: Python, a pickle.")] = False,
) -> None:
    """Write the record of a new model by looking at it."""
    from assets.zoo.add import Wishes
    from pipeline.commands import zoo as command

    shapes = command.shapes(inputs or [])
    wishes = Wishes(name, shapes, calibration, evaluation, licence, force, framework, entry, trust)
    command.add(model, into, wishes)


@app.command(name="list")
def listed() -> None:
    """List the models, where they come from, and whether their files are here."""
    from pipeline.commands import zoo as command

    command.listed()


@app.command()
def check(models: Annotated[list[str] | None, typer.Argument(help="By default all.")] = None) -> None:
    """Look whether records and own files are sound, without building anything."""
    from pipeline.commands import zoo as command

    command.check(models or [])
