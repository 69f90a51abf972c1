"""What comes from outside: the zoo's files, watched by content."""

from collections.abc import Mapping

import dagster as dg

from assets import preview
from assets.partitions import MODELS
from assets.workshop import Workshop

DESCRIPTIONS = {
    "model_file": "The model as it was trained: an ONNX file and the data it refers to.",
    "calibration_data": "Unlabelled inputs from which thresholds are taken.",
    "evaluation_data": "Labelled inputs: the first is compared layer by layer, all are scored.",
}


def _source(name: str, description: str) -> dg.SourceAsset:
    @dg.observable_source_asset(
        name=name,
        partitions_def=MODELS,
        group_name="zoo",
        description=description,
        required_resource_keys={"workshop"},
    )
    def observe(context: dg.OpExecutionContext) -> dg.DataVersionsByPartition:
        """The content hash of the model's directory, for every model of the run's partitions."""
        workshop: Workshop = context.resources.workshop
        models = context.partition_keys if context.has_partition_key else workshop.builder.zoo.names()
        return dg.DataVersionsByPartition(
            {model: dg.DataVersion(workshop.builder.source(model, name).hash[:16]) for model in models}
        )

    return observe


with preview.accepted():
    SOURCE_ASSETS: Mapping[str, dg.SourceAsset] = {name: _source(name, text) for name, text in DESCRIPTIONS.items()}
