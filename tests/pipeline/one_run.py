"""A run of the flow's first stage for one target, for a process of its own: the offline zoo's folder and the target."""

import sys
from pathlib import Path

import dagster as dg

from assets.partitions import key_of
from assets.workshop import Workshop
from compiler.build.flow import Target
from pipeline.definitions import over
from pipeline.instance import open_instance
from tests.offline_zoo import OfflineZoo

if __name__ == "__main__":
    workshop = Workshop(zoo=OfflineZoo(Path(sys.argv[1])))
    job = over(workshop).resolve_job_def("build")
    with open_instance(workshop.builder.zoo) as instance:
        key = key_of("lenet", Target.parse(sys.argv[2]))
        job.execute_in_process(instance=instance, partition_key=key, asset_selection=[dg.AssetKey("sample_onnx")])
