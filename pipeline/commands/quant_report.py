"""`tpuflow quant-report`: where the error of a quantised model comes from."""

import webbrowser

from assets.workshop import Workshop
from compiler.build.builder import partition_of
from compiler.build.flow import CALIBRATED, Target
from pipeline.build_bars import BuildBars
from pipeline.display import CONSOLE, bars, table

STAGE = "quant_report"
ROWS = 12
"""Tensors that are listed."""


class NothingQuantised(ValueError):
    """A target's mode is a float one; the message lists the others."""


def quant_report(model: str, text: str, *, browse: bool) -> None:
    """
    Build the report and print what it comes to, and where its page is.

    Raises NothingQuantised for a float target, StageFailed.
    """
    builder, target = Workshop().builder, Target.parse(text)
    if target.mode not in CALIBRATED:
        raise NothingQuantised(
            f"{target.mode} quantises nothing; the modes that do are {', '.join(sorted(CALIBRATED))}"
        )
    with bars() as display:
        listener = BuildBars(display, len(builder.wanted([STAGE])))
        listener.enter(partition_of(model, target))
        told = builder.build(builder.zoo.settings(model), target, [STAGE], listener)[STAGE].metadata
    names = (
        "output_sqnr_db",
        "first_bad_layer",
        "noise_arises_at",
        "worst_clipped",
        "worst_clip",
        "quantised",
        "tensors",
    )
    CONSOLE.print(table([{"": name, "value": told.get(name)} for name in names], partition_of(model, target)))
    if told["notes"]:
        CONSOLE.print(table(told["notes"], "what stands out"))
    CONSOLE.print(table(told["table"][:ROWS], "the tensors that are noisiest by themselves"))
    page = builder.store.root / partition_of(model, target) / "quant_report.html"
    CONSOLE.print(f"{page}\n{page.with_suffix('.md')}", soft_wrap=True, highlight=False)
    if browse:
        webbrowser.open(page.absolute().as_uri())
