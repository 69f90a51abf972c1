"""`tpuflow store`: the store of artifacts."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The store of artifacts.")


@app.command()
def gc(
    verify: Annotated[bool, typer.Option(help="Read every object and record, and remove damaged ones.")] = False,
    unused: Annotated[bool, typer.Option(help="Also remove what no model shows any more.")] = False,
    max_bytes: Annotated[
        str | None,
        typer.Option(help="Remove of that the least recently used until no more is left, such as 20GB."),
    ] = None,
    keep_hours: Annotated[float, typer.Option(min=0, help="Keep what was used in the last so many hours.")] = 2,
    dry_run: Annotated[bool, typer.Option(help="Only say what would go.")] = False,
) -> None:
    """Remove leftovers from the store, and what it has no room for; what a model shows stays."""
    from pipeline.commands import store as command

    command.gc(verify, unused, max_bytes, keep_hours, dry_run)


@app.command()
def show() -> None:
    """Say what is in the store: records, objects and bytes by stage."""
    from pipeline.commands import store as command

    command.show()
