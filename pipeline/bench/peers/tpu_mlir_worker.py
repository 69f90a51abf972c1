"""TPU-MLIR's own command lines for BM1684X, and its interpreter of the int8 network, which is exact to the integer."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from work import Job, serve

BIN = Path(sys.executable).parent
TUNED = 5
"""Samples that its tuning of thresholds runs."""


def _run(job: Job, *command: str) -> None:
    env = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=job.out, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {(done.stderr or done.stdout).strip()[-400:]}")


def quantise(job: Job) -> None:
    """Write `results.npz`: the int8 network's results of the samples to judge by."""
    listed = [job.out / f"sample{i}.npz" for i in range(len(job.calibration))]
    for path, feed in zip(listed, job.calibration, strict=True):
        np.savez(path, **feed)
    (job.out / "samples.txt").write_text("".join(f"{path}\n" for path in listed))
    shapes = ",".join(str(list(array.shape)).replace(" ", "") for array in job.calibration[0].values())
    given = ["--model_name", "net", "--model_def", job.model, "--input_shapes", f"[{shapes}]", "--mlir", "net.mlir"]
    _run(job, "model_transform.py", *given)
    counted = ["--data_list", "samples.txt", "--input_num", str(len(listed)), "--tune_num", str(TUNED)]
    chip = ["--chip", "bm1684x"]
    _run(job, "run_calibration.py", "net.mlir", *counted, *chip, "-o", "table", *job.settings.get("calibrate", []))
    asked = ["--quantize", "INT8", "--calibration_table", "table", "--model", "net.bmodel", "--not_gen_bmodel"]
    asked += ["--skip_validation", *job.settings.get("deploy", [])]
    _run(job, "model_deploy.py", "--mlir", "net.mlir", *chip, *asked)
    _evaluate(job, next(job.out.glob("net_bm1684x_*tpu.mlir")))


def _evaluate(job: Job, network: Path) -> None:
    """Run every sample; tensors are kept apart in memory, since reused memory is read back wrongly."""
    sys.path += [str(Path(folder) / "python") for folder in find_spec("tpu_mlir").submodule_search_locations]
    import pymlir

    pymlir.set_mem_mode("value_mem")
    os.chdir(job.out)
    module = pymlir.module()
    module.load(network.name)
    made = {name: [] for name in module.output_names}
    for feed in job.evaluation:
        for name in module.input_names:
            array = np.ascontiguousarray(feed[name].astype(np.float32))
            module.set_tensor(name, array, list(array.shape))
        module.invoke()
        held = module.get_all_tensor()
        for name, rows in made.items():
            rows.append(np.array(held[name]))
    np.savez(job.out / "results.npz", **{name: np.concatenate(rows) for name, rows in made.items()})


serve(quantise)
