"""AIMET's quantisation simulation of an ONNX file, weights int8 by channel, activations int8, its default rules."""

from pathlib import Path

import aimet_onnx
import onnx
from aimet_onnx import QuantizationSimModel
from aimet_onnx.common import quantsim_config
from aimet_onnx.common.defs import QuantScheme
from work import Job, serve


def quantise(job: Job) -> None:
    """Write `quantised.onnx`."""
    rules = Path(quantsim_config.__file__).parent / "default_config_per_channel.json"
    simulation = QuantizationSimModel(
        onnx.load(job.model),
        param_type=aimet_onnx.int8,
        activation_type=aimet_onnx.int8,
        quant_scheme=getattr(QuantScheme, job.settings["scheme"]),
        config_file=str(rules),
        providers=["CPUExecutionProvider"],
    )
    simulation.compute_encodings(job.calibration)
    onnx.save(simulation.to_onnx_qdq(), str(job.out / "quantised.onnx"))


serve(quantise)
