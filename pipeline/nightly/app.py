"""`tpuflow baseline` and `tpuflow night`. What a command needs is imported when it runs."""

from typing import Annotated

import typer

baseline_app = typer.Typer(no_args_is_help=True, help="What a night is held against.")
night_app = typer.Typer(no_args_is_help=True, help="Plan the zoo, build what is stale, report.")

Models = Annotated[list[str] | None, typer.Option("--model", "-m", help="A model of the zoo; may be repeated.")]
Targets = Annotated[list[str] | None, typer.Option("--target", "-t", help="<chip>-<mode>; may be repeated.")]


@baseline_app.command()
def accept(
    models: Models = None,
    targets: Targets = None,
    anyway: Annotated[bool, typer.Option(help="Also what failed, is mixed, or misses a check.")] = False,
) -> None:
    """Take what the partitions show now for the baseline; without options, of all that were built."""
    from pipeline.commands import baseline as command

    command.accept(models or [], targets or [], anyway)


@baseline_app.command("show")
def show_baseline(models: Models = None, targets: Targets = None) -> None:
    """Print the accepted figures."""
    from pipeline.commands import baseline as command

    command.show(models or [], targets or [])


@baseline_app.command()
def forget(models: Models = None, targets: Targets = None) -> None:
    """Drop partitions from the baseline, such as those of a model that left the zoo."""
    from pipeline.commands import baseline as command

    command.forget(models or [], targets or [])


@night_app.command()
def run(models: Models = None, targets: Targets = None) -> None:
    """Run a night now and print its report; exit code 1 if anything failed or got worse."""
    from pipeline.commands import night as command

    raise typer.Exit(command.run(models or [], targets or []))


@night_app.command("show")
def show_night(
    order: Annotated[str | None, typer.Argument(help="Id of an order; the latest report, if left out.")] = None,
) -> None:
    """Print a night's report."""
    from pipeline.commands import night as command

    command.show(order)


@night_app.command("list")
def list_nights() -> None:
    """Print the verdict of each night, and the orders that are still open."""
    from pipeline.commands import night as command

    command.listing()
