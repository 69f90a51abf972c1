"""What a session begins with, from the store: a model of the zoo for a target, built if need be."""

from pathlib import Path

from assets.workshop import Workshop
from compiler import members
from compiler.build.builder import partition_of
from compiler.build.flow import Target
from compiler.results import Results
from pipeline.build_bars import BuildBars
from pipeline.debugger.given import Given, fed
from pipeline.display import bars
from simulator.model_file import read

STAGES = ("sample_model", "lg_mlir", "tpu_results")


def from_store(name: str, text: str, feeds: Path | None, sample: int) -> Given:
    """Build what is missing; the results of the Tpu network are those of the first evaluation sample."""
    builder, target = Workshop().builder, Target.parse(text)
    with bars() as display:
        listener = BuildBars(display, len(builder.wanted(STAGES)))
        listener.enter(partition_of(name, target))
        made = builder.build(builder.zoo.settings(name), target, STAGES, listener)
    model = read(made["sample_model"].ref.path / "sample.model")
    data = feeds or builder.zoo.files(name)["evaluation_data"] / "evaluation.npz"
    what = f"sample {sample} of {data.name if feeds is None else feeds}"
    given = Given(model, fed(data, model, sample), what)
    given.groups = members.read(made["lg_mlir"].ref.path / members.NAME)
    if feeds is None and sample == 0:
        given.wanted = Results.load(made["tpu_results"].ref.path, "tpu_results").arrays
    return given
