"""The command line, `tpuflow`. What a command needs is imported when it runs: `--help` stays quick."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pipeline.bench.app import app as bench_app
from pipeline.newcomers.app import app as zoo_app
from pipeline.nightly.app import baseline_app, night_app
from pipeline.store_app import app as store_app


class Group(TyperGroup):
    """Says errors that are meant for the user in one message, and leaves faults of the program their traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; exit code 1 after an error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # Whoever read the output has seen enough; click ends quietly.
        except Exception as error:
            from assets.errors import addressed

            message = addressed(error)
            if message is None:
                raise
            typer.secho(f"error: {message}", err=True, fg="red")
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Compile neural networks for a simulated NPU, and see what each one costs and how exact it is.",
)
app.add_typer(store_app, name="store")
app.add_typer(bench_app, name="bench")
app.add_typer(zoo_app, name="zoo")
app.add_typer(night_app, name="night")
app.add_typer(baseline_app, name="baseline")

Targets = Annotated[list[str], typer.Option("--target", "-t", help="<chip>-<mode>, such as x64-int8; may be repeated.")]
Goals = Annotated[
    list[str] | None, typer.Option("--goal", help="Build only what leads to this stage; may be repeated.")
]
ModelFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A sample.model.")]
Feeds = Annotated[
    Path, typer.Option("--input", "-i", exists=True, dir_okay=False, help="An .npz with an array for each input.")
]


@app.command()
def build(
    models: Annotated[list[str], typer.Argument(help="Models of the zoo.")],
    targets: Targets,
    goals: Goals = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting for this build only, such as calibration.method=kl; may be repeated."),
    ] = None,
    explain: Annotated[bool, typer.Option(help="Only say what would run, and why.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Build models for targets; what is up to date is not run again."""
    from pipeline.commands import build as command

    if explain:
        command.explain(models, targets, goals or [], changes or [])
    else:
        command.build(models, targets, goals or [], changes or [], as_json)


@app.command()
def run(
    model: ModelFile,
    feeds: Feeds,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the outputs to this .npz.")] = None,
    raw: Annotated[bool, typer.Option(help="Outputs as stored, not dequantised.")] = False,
    checked: Annotated[bool, typer.Option(help="Check program and data; exit code 1 if there are findings.")] = False,
    against: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Name the first tensor unlike in this *_results.npz, and stop."),
    ] = None,
) -> None:
    """Run a model on the simulated chip; exit code 1 if a tensor isn't as it should be."""
    from pipeline.commands import run as command

    if not command.run(model, feeds, output, raw, checked, against):
        raise typer.Exit(1)


@app.command()
def check(
    model: ModelFile,
    waits: Annotated[
        bool, typer.Option(help="Also which waits are necessary, and why those that aren't are not.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a model's program without running it; exit code 1 if there are findings."""
    from pipeline.commands import model as command

    if not command.check(model, as_json, waits):
        raise typer.Exit(1)


@app.command()
def debug(
    model: Annotated[str, typer.Argument(help="A sample.model, or a model of the zoo.")],
    target: Annotated[str | None, typer.Argument(help="For one of the zoo: <chip>-<mode>, such as x64-int8.")] = None,
    feeds: Annotated[
        Path | None, typer.Option("--input", "-i", exists=True, dir_okay=False, help="An .npz with what to feed.")
    ] = None,
    sample: Annotated[int, typer.Option(min=0, help="Which of its samples.")] = 0,
    against: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Stop at the first tensor unlike in this *_results.npz."),
    ] = None,
    script: Annotated[
        Path | None, typer.Option("--script", "-x", exists=True, dir_okay=False, help="Run the commands in this file.")
    ] = None,
    lines: Annotated[
        list[str] | None, typer.Option("--command", "-c", help="Run this command; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a script's answers as JSON, at its end.")] = False,
) -> None:
    """
    Debug a model on the simulated chip: step, stop, look at tensors, compare with the TPU network's results.

    A model of the zoo brings its evaluation data and results. Commands come from the terminal, a script, or standard
    input; exit code 1 if a script finds a fault.
    """
    from pipeline.commands import debug as command

    read = [*(script.read_text().splitlines() if script else ()), *(lines or ())]
    command.debug(model, target, feeds, sample, against, read, as_json=as_json)


@app.command()
def inspect(
    model: ModelFile,
    trace: Annotated[
        Path | None, typer.Option(help="Write a trace for Perfetto or about:tracing; packed if it ends in .gz.")
    ] = None,
) -> None:
    """Show what is in a model: inputs, outputs, sizes, commands, cycles, layers; exit code 1 if there are faults."""
    from pipeline.commands import model as command

    if not command.inspect(model, trace):
        raise typer.Exit(1)


@app.command()
def dis(
    model: ModelFile,
    layer: Annotated[str, typer.Option("--layer", "-l", help="Only this layer's records.")] = "",
    core: Annotated[int | None, typer.Option("--core", "-c", help="Only this core's, counted from 0.")] = None,
    engine: Annotated[str, typer.Option("--engine", "-e", help="Only this engine's: tiu or gdma.")] = "",
    group: Annotated[str, typer.Option("--group", "-g", help="Only this layer group's.")] = "",
    groups: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="The groups of layers; by default members.csv beside the model."
        ),
    ] = None,
    cycles: Annotated[
        bool, typer.Option("--cycles", help="When each record starts, and for how long it runs.")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="The whole program, as `tpuflow asm` reads it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the records as JSON.")] = False,
) -> None:
    """Disassemble: a model's records with their tensors, layers and groups."""
    from pipeline.commands import dis as command

    command.dis(model, layer, core, engine, group, groups, cycles, plain, as_json)


@app.command()
def asm(
    source: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A program's text.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Write the model to this file.")],
    chip: Annotated[str, typer.Option("--chip", help="The chip it is for, in the place of the text's own.")] = "",
    data: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A model or file to take weights from, not the text's own."),
    ] = None,
) -> None:
    """Assemble: the text of a program to a model."""
    from pipeline.commands import asm as command

    command.asm(source, chip, data, output)


@app.command()
def profile(
    model: Annotated[str, typer.Argument(help="A model of the zoo.")],
    target: Annotated[str, typer.Argument(help="<chip>-<mode>, such as x64-int8.")],
    rows: Annotated[int, typer.Option(min=0, help="How many groups and layers to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    trace: Annotated[
        Path | None, typer.Option(help="Write the trace for Perfetto or about:tracing; packed if it ends in .gz.")
    ] = None,
    layers: Annotated[Path | None, typer.Option("--csv", help="Write a row a layer; they add up to the run.")] = None,
    png: Annotated[Path | None, typer.Option(help="Draw the timeline.")] = None,
    width: Annotated[int, typer.Option(min=320, max=20_000, help="Pixels across the timeline.")] = 1600,
) -> None:
    """Show where a model's cycles and bytes go, by resource, group and layer, and what decides how long each takes."""
    from pipeline.commands import profile as command

    command.profile(model, target, rows, command.Files(trace, layers, png, width), as_json=as_json)


@app.command("quant-report")
def quant_report(
    model: Annotated[str, typer.Argument(help="A model of the zoo.")],
    target: Annotated[str, typer.Argument(help="<chip>-<mode> of an 8-bit mode, such as x64-int8.")],
    browse: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Report where the error of a quantised model comes from: a page, and the worst of it here."""
    from pipeline.commands import quant_report as command

    command.quant_report(model, target, browse=browse)


@app.command()
def mix(
    model: Annotated[str, typer.Argument(help="A model of the zoo.")],
    target: Annotated[str, typer.Argument(help="A chip, such as x64, or <chip>-mix.")],
    sqnr: Annotated[float | None, typer.Option(help="The least SQNR of the result against float, in dB.")] = None,
    drop: Annotated[
        float | None, typer.Option(min=0, max=1, help="The largest share of answers that aren't float's.")
    ] = None,
    budget: Annotated[int | None, typer.Option(min=1, help="Configurations to measure at most.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the qtable here.")] = None,
) -> None:
    """Choose which ops needn't be int8: the fewest cycles that reach a goal; print what was tried."""
    from pipeline.commands import mix as command

    command.mix(model, target, {"sqnr": sqnr, "drop": drop, "budget": budget}, output)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A *_results.npz.")],
    second: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The one to hold it against.")],
    worst: Annotated[int, typer.Option(min=1, help="How many tensors to list.")] = 20,
) -> None:
    """Compare two runs tensor by tensor: the least alike first."""
    from pipeline.commands import network as command

    command.compare(first, second, worst)


@app.command()
def opt(
    pipeline: Annotated[str, typer.Argument(help="Passes, such as 'fuse-relu,dead-code'; or 'canonicalize' for all.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A .mlir with its weights beside it.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here, weights beside it.")] = None,
) -> None:
    """Run passes on a network; print it, or write it with its weights."""
    from pipeline.commands import network as command

    command.optimise(pipeline, file, output)


@app.command()
def notebook(
    model: Annotated[str, typer.Argument(help="A model of the zoo.")],
    target: Annotated[str, typer.Argument(help="<chip>-<mode>, such as x64-int8.")],
    browse: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Report on one model for one target: a notebook and a page of it, in the store."""
    from pipeline.commands import notebook as command

    command.notebook(model, target, browse=browse)


@app.command()
def demo() -> None:
    """Build two models for five targets and show their figures."""
    from pipeline.commands import demo as command

    command.demo()


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to listen.")] = 3000,
    host: Annotated[str, typer.Option(help="On which address; the default is this machine only.")] = "127.0.0.1",
) -> None:
    """Serve the flow in the browser; source changes reload it."""
    from pipeline.commands import ui as command
    from pipeline.commands.ui_client import Address

    command.serve(Address(host, port))
