"""What an asset is partitioned by: model × target, so that one launch builds one model for one target."""

import dagster as dg

from compiler.build.flow import TARGETS, Target

MODELS = dg.DynamicPartitionsDefinition(name="models")
MODEL_TARGET = dg.MultiPartitionsDefinition({"model": MODELS, "target": dg.StaticPartitionsDefinition(list(TARGETS))})


def key_of(model: str, target: Target) -> dg.MultiPartitionKey:
    """The partition of a model and target; Dagster writes it `<model>|<target>`."""
    return dg.MultiPartitionKey({"model": model, "target": str(target)})


def split(key: str) -> tuple[str, Target]:
    """The model and target of a partition written `<model>|<target>`. Raises UnknownTarget."""
    model, _, target = key.partition("|")
    return model, Target.parse(target)
