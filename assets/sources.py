"""
What comes from outside, watched by content: the zoo's files by model; by model and target, the settings of a stage.

A stage depends on just the settings it reads, so that an edit of a record marks the stages it changes and no other.
"""

from collections.abc import Iterable, Mapping

import dagster as dg

from assets import preview
from assets.partitions import MODEL_TARGET, MODELS, split
from assets.workshop import STAGES, Workshop
from compiler.build import hashes
from compiler.build.flow import SOURCES, Settings, Stage, Target

FILES = {
    "model_file": "The model as it was trained: an ONNX file and the data it refers to.",
    "calibration_data": "Unlabelled inputs from which thresholds are taken.",
    "evaluation_data": "Labelled inputs: the first is compared layer by layer, all are scored.",
}

SETTINGS = {
    "shapes": "Extents of the network's inputs.",
    "calibration": "How thresholds are found.",
    "mix": "What a mixed network has to reach, in the fewest cycles.",
    "qtable": "What a mixed network computes in another format or with another threshold.",
    "schedule": "How long layer groups and tilings are searched.",
    "packing": "Whether weights are packed in global memory.",
    "tolerance": "What the comparison has to reach.",
    "scoring": "The model's metric and how many samples it is taken over.",
}

UNUSED = "unused"
"""The version of settings that a target has no use for."""


def settings_key(knobs: str) -> dg.AssetKey:
    """The asset of a group of settings."""
    return dg.AssetKey(["settings", knobs])


def files_version(workshop: Workshop, model: str, name: str) -> str:
    """The content hash of one of the model's directories, fetched if it has to be."""
    return workshop.builder.source(model, name).hash[:16]


def settings_version(stage: Stage, settings: Settings, target: Target) -> str:
    """A hash over what the stage reads of the model's settings for the target."""
    params = stage.params(settings, target)
    return UNUSED if params is None else hashes.of_value(params)[:16]


def _files(name: str, description: str) -> dg.SourceAsset:
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
        return dg.DataVersionsByPartition({model: files_version(workshop, model, name) for model in models})

    return observe


def _settings(stage: Stage, description: str) -> dg.SourceAsset:
    assert stage.knobs is not None

    @dg.observable_source_asset(
        key=settings_key(stage.knobs),
        partitions_def=MODEL_TARGET,
        group_name="settings",
        description=description,
        required_resource_keys={"workshop"},
    )
    def observe(context: dg.OpExecutionContext) -> dg.DataVersionsByPartition:
        """A hash over the settings, for every partition of the run, or of the whole zoo."""
        workshop: Workshop = context.resources.workshop
        keys = context.partition_keys if context.has_partition_key else _everything(workshop)
        zoo = workshop.builder.zoo
        return dg.DataVersionsByPartition(
            {
                key: settings_version(stage, zoo.settings(model), target)
                for key in keys
                for model, target in [split(key)]
            }
        )

    return observe


def _everything(workshop: Workshop) -> Iterable[str]:
    targets = MODEL_TARGET.get_partitions_def_for_dimension("target").get_partition_keys()
    return [f"{model}|{target}" for model in workshop.builder.zoo.names() for target in targets]


with preview.accepted():
    FILE_ASSETS: Mapping[str, dg.SourceAsset] = {name: _files(name, text) for name, text in FILES.items()}
    SETTINGS_ASSETS: Mapping[str, dg.SourceAsset] = {
        stage.knobs: _settings(stage, SETTINGS[stage.knobs]) for stage in STAGES.values() if stage.knobs
    }


def sources_of(stage: Stage) -> list[dg.SourceAsset]:
    """What a stage reads from outside."""
    read = [FILE_ASSETS[name] for name in stage.inputs if name in SOURCES]
    return [*read, SETTINGS_ASSETS[stage.knobs]] if stage.knobs else read
