"""What keeps the UI's view right while nobody builds from it."""

import dagster as dg

from assets.workshop import Workshop
from pipeline.sync import built, mirror


@dg.sensor(
    name="mirror",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"workshop"},
    description="Tells the event log of builds from the command line, and of edits to the zoo's records.",
)
def mirrored(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Mirror every partition that was built; it launches nothing."""
    workshop: Workshop = context.resources.workshop
    done = mirror(context.instance, workshop, built(workshop))
    return dg.SkipReason(
        f"{done.partitions} partitions; told of {done.materializations} artifacts and {done.observations} sources"
    )
