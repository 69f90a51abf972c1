"""`tpuflow bench`: the project's own measurements. What a bench needs is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Measure exactness, speed, compile time, accuracy, what Dagster costs.")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Models = Annotated[list[str] | None, typer.Option("--model", "-m", help="A model of the zoo; may be repeated.")]
Targets = Annotated[list[str] | None, typer.Option("--target", "-t", help="<chip>-<mode>; may be repeated.")]
Model = Annotated[str, typer.Option("--model", "-m", help="A model of the zoo.")]
Target = Annotated[str, typer.Option("--target", "-t", help="<chip>-<mode>.")]


@app.command()
def exact(
    models: Models = None,
    targets: Targets = None,
    tilings: Annotated[int, typer.Option(min=0, help="Random tilings of each model and op.")] = 3,
    ops: Annotated[bool, typer.Option(help="Also each op of the chip at four times an e8 lane.")] = True,
    as_json: AsJson = False,
) -> None:
    """Count the bytes that differ between chip and TPU results; exit code 1 if there are any."""
    from assets.workshop import Workshop
    from pipeline.bench.report import show
    from pipeline.bench.status import telling

    builder = Workshop().builder
    with telling() as told:
        from pipeline.bench import exact

        rows = [
            row
            for model in models or builder.zoo.names()
            for target in targets or exact.TARGETS
            for row in exact.model_rows(builder, model, target, tilings, told)
        ]
        rows += exact.giant_rows(told, tilings) if ops else ()
    show("exact", rows, as_json)
    if any(row.value for row in rows):
        raise typer.Exit(1)


@app.command()
def sim(
    only: Annotated[str, typer.Option(help="Only these parts, such as speed,start; default all.")] = "",
    models: Models = None,
    targets: Targets = None,
    zoo: Annotated[bool, typer.Option(help="Look for false alarms in every model of the zoo.")] = False,
    pairs: Annotated[int, typer.Option(min=1, help="Runs of each side of a comparison, in turn.")] = 7,
    threads: Annotated[int, typer.Option(min=0, help="Threads of both sides; 0: all cores.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure the simulated chip: speed, start, cycles, checks and exactness; exit code 1 if a bar is missed."""
    from pipeline.bench.threads import limit

    threads = limit(threads)

    from assets.workshop import Workshop
    from pipeline.bench.report import show
    from pipeline.bench.status import telling

    builder = Workshop().builder
    with telling() as told:
        from pipeline.bench import judged, sim

        parts = [part for part in only.split(",") if part]
        if unknown := [part for part in parts if part not in sim.PARTS]:
            raise typer.BadParameter(f"no part {unknown[0]!r}; there are {', '.join(sim.PARTS)}")
        bench = sim.Bench(builder, told, pairs, threads, models or (), targets or (), zoo)
        rows = list(told.each(sim.rows(bench, parts)))
    show("sim", rows, as_json)
    if judged.missed(rows):
        raise typer.Exit(1)


@app.command()
def cycles(
    only: Annotated[str, typer.Option(help="Only cases whose names this pattern is found in.")] = "",
    zoo: Annotated[bool, typer.Option(help="Also the other models of the zoo, for x64-int8.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare cycles, DDR bytes and memory with the least there can be; exit code 1 if a bar is missed."""
    from assets.workshop import Workshop
    from pipeline.bench.report import show
    from pipeline.bench.status import telling

    builder = Workshop().builder
    with telling() as told:
        from pipeline.bench import cycles

        names = builder.zoo.names() if zoo else ()
        rows = [row for case in cycles.cases(only, names) for row in cycles.rows(builder, case, told)]
    show("cycles", rows, as_json)
    if cycles.failed(rows):
        raise typer.Exit(1)


@app.command()
def memory(
    models: Models = None,
    targets: Targets = None,
    minimalloc: Annotated[
        Path | None, typer.Option(envvar="TPUFLOW_MINIMALLOC", help="The folder of MiniMalloc's eleven cases.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the memory of activations with the most bytes live at once; exit code 1 if it takes more."""
    from assets.workshop import Workshop
    from pipeline.bench.report import show
    from pipeline.bench.status import telling

    builder = Workshop().builder
    with telling() as told:
        from pipeline.bench import cycles, memory

        listed = dict.fromkeys([*builder.zoo.names(), *(case.model for case in cycles.TABLE)])
        rows = [
            row
            for model in models or listed
            for target in targets or memory.TARGETS
            for row in memory.model_rows(builder, model, target, told)
        ]
        rows += memory.case_rows(minimalloc, told)
    show("memory", rows, as_json)
    if memory.failed(rows):
        raise typer.Exit(1)


@app.command("compile")
def compile_cold(
    model: Model = "resnet50",
    target: Target = "x64-int8",
    samples: Annotated[int, typer.Option(min=1, help="Calibration samples.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Count the CPU seconds from ONNX to sample.model with nothing in the store, stage by stage."""
    from pipeline.bench import cold
    from pipeline.bench.report import show
    from pipeline.bench.status import telling

    with telling() as told:
        rows = list(cold.rows(told.at(model), target, samples))
    show("compile", rows, as_json)


@app.command()
def accuracy(models: Models = None, targets: Targets = None, as_json: AsJson = False) -> None:
    """Score each labelled model by its own metric, in float and on the chip."""
    from assets.workshop import Workshop
    from pipeline.bench.report import show
    from pipeline.bench.status import telling

    builder = Workshop().builder
    with telling() as told:
        from pipeline.bench import accuracy, exact

        rows = [
            row
            for model in models or builder.zoo.names()
            for target in targets or exact.TARGETS
            for row in accuracy.rows(builder, model, target, told)
        ]
    show("accuracy", rows, as_json)


@app.command()
def quant(
    only: Annotated[str, typer.Option(help="Only models whose names this pattern is found in.")] = "",
    peers: Annotated[str, typer.Option(help="Only tools that this pattern is found in; none for ours alone.")] = "",
    drops: Annotated[bool, typer.Option(help="Also what the zoo's models lose of their own metrics.")] = True,
    as_json: AsJson = False,
) -> None:
    """Compare int8's error with other tools' on the same data; exit code 1 if a bar is missed."""
    from assets.workshop import Workshop
    from pipeline.bench.report import show
    from pipeline.bench.status import telling

    with telling() as told:
        from pipeline.bench import quant

        rows = list(told.each(quant.rows(only, peers, told)))
        rows += told.each(quant.drop_rows(Workshop().builder, only, told)) if drops else ()
    show("quant", rows, as_json)
    if quant.failed(rows):
        raise typer.Exit(1)


@app.command()
def dagster(
    model: Model = "resnet50",
    target: Target = "x64-int8",
    pairs: Annotated[int, typer.Option(min=1, help="Cold builds of both sides in turn.")] = 3,
    browser: Annotated[bool, typer.Option(help="Also the UI's times, in Chromium.")] = True,
    as_json: AsJson = False,
) -> None:
    """Measure what Dagster adds: CPU, event log, the UI's first page; exit code 1 if a run on an empty home fails."""
    from pipeline.bench import dagster, ui
    from pipeline.bench.report import show
    from pipeline.bench.status import telling

    with telling() as told:
        rows = [*(ui.rows(told.at) if browser else ()), *dagster.rows(model, target, pairs, told.at)]
    show("dagster", rows, as_json)
    if any(row.value for row in rows if row.metric == "empty_home_failures"):
        raise typer.Exit(1)


@app.command()
def incremental(as_json: AsJson = False) -> None:
    """Count the stages that edits, settings, second builders and killed ones make run; exit code 1 if one too many."""
    from pipeline.bench import incremental
    from pipeline.bench.report import show
    from pipeline.bench.status import telling

    with telling() as told:
        rows = list(incremental.rows(told))
    show("incremental", rows, as_json)
    if any(row.value for row in rows if row.metric in incremental.NEVER):
        raise typer.Exit(1)


@app.command()
def night(as_json: AsJson = False) -> None:
    """Plant an accuracy loss, a cycle loss and a crash, and count what a night names; exit code 1 if it errs."""
    from pipeline.bench import night
    from pipeline.bench.report import show
    from pipeline.bench.status import telling

    with telling() as told:
        rows = list(night.rows(told))
    show("night", rows, as_json)
    if any(row.value for row in rows if row.metric in ("missed", "wrongly_named", "runs_launched", "checks_failed")):
        raise typer.Exit(1)


@app.command()
def frontends(
    routes: Annotated[list[str] | None, typer.Option("--route", help="Such as keras; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring ResNet-8 in by every framework and score it; exit code 1 if a digit changes or a framework is absent."""
    from pipeline.bench import frontends
    from pipeline.bench.report import show
    from pipeline.bench.status import telling

    if unknown := sorted(set(routes or ()) - frontends.ROUTES.keys()):
        raise typer.BadParameter(f"no route {unknown[0]!r}; there are {', '.join(frontends.ROUTES)}")
    with telling() as told:
        rows = list(frontends.rows(told, routes or []))
    show("frontends", rows, as_json)
    if frontends.failed(rows):
        raise typer.Exit(1)


@app.command()
def conformance(
    match: Annotated[str, typer.Option(help="Only cases whose names this pattern is found in.")] = "",
    listed: Annotated[Path | None, typer.Option("--list", help="Write every case's outcome to this CSV.")] = None,
    seconds: Annotated[float, typer.Option(min=1, help="What one case may take.")] = 300.0,
    as_json: AsJson = False,
) -> None:
    """Run ONNX's backend suite through the compiler and on the chip; exit code 1 for a wrong answer or a crash."""
    from dataclasses import asdict

    from assets.workshop import CODE
    from assets.zoo import packages
    from compiler.build.kernels import keep_kernels
    from pipeline.bench.report import show
    from pipeline.bench.status import telling
    from pipeline.display import CONSOLE, table

    keep_kernels(CODE, packages.cache() / "numba")
    with telling() as told:
        from pipeline.bench import conformance

        found = conformance.run(told, match, seconds)
    if listed:
        conformance.write(found, listed)
    show("conformance", list(conformance.rows(found)), as_json)
    wrong = conformance.defects(found)
    if not as_json:
        CONSOLE.print(table([asdict(cause) for cause in conformance.refusals(found)], "refused because"))
        CONSOLE.print(table([asdict(outcome) for outcome in wrong], "wrong or crashed"))
    if wrong:
        raise typer.Exit(1)
