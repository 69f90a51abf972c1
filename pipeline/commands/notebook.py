"""`tpuflow notebook`: the report on one model for one target."""

import webbrowser

from assets.notebook import NAME, report
from assets.notebooks.facts import INPUTS
from assets.workshop import Workshop
from compiler.build.builder import partition_of
from compiler.build.flow import Target, needed
from pipeline.build_bars import BuildBars
from pipeline.display import CONSOLE, bars


def notebook(model: str, text: str, *, browse: bool) -> None:
    """Build what the report shows, run its notebook, and say where the page is. Raises StageFailed, CellFailed."""
    builder, target = Workshop().builder, Target.parse(text)
    settings, partition = builder.zoo.settings(model), partition_of(model, target)
    with bars() as display:
        listener = BuildBars(display, len(needed(builder.flow, INPUTS)) + 1)
        listener.enter(partition)
        records = builder.build(settings, target, INPUTS, listener)
        listener.started(NAME)
        record = report(builder, settings, target, records)
        builder.store.point(partition, NAME, record)
        listener.finished(NAME, record)
    page = builder.store.root / partition / "report.html"
    CONSOLE.print(f"{page}\n{page.with_suffix('.ipynb')}", soft_wrap=True, highlight=False)
    if browse:
        webbrowser.open(page.as_uri())
