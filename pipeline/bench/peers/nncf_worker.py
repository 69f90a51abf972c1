"""NNCF's post-training quantisation of an ONNX file, its mixed preset: activations asymmetric, weights symmetric."""

import nncf
import onnx
from work import Job, serve


def quantise(job: Job) -> None:
    """Write `quantised.onnx`."""
    kind = job.settings.get("model_type")
    made = nncf.quantize(
        onnx.load(job.model),
        nncf.Dataset(job.calibration),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(job.calibration),
        fast_bias_correction=job.settings.get("fast_bias_correction", True),
        model_type=nncf.ModelType[kind] if kind else None,
    )
    onnx.save(made, str(job.out / "quantised.onnx"))


serve(quantise)
