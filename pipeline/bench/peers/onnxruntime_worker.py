"""onnxruntime's static quantisation: QDQ, weights int8 by channel, activations int8 asymmetric or as the job says."""

from typing import Any

from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from work import Feeds, Job, serve


class _Reader(CalibrationDataReader):
    """Hands out the samples in turn."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> Any:
        """The next sample, None at the end."""
        return next(self._feeds, None)


def quantise(job: Job) -> None:
    """Write `quantised.onnx`."""
    quantize_static(
        job.model,
        str(job.out / "quantised.onnx"),
        _Reader(job.calibration),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType[job.settings.get("activations", "QInt8")],
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod[job.settings["method"]],
        op_types_to_quantize=job.settings.get("ops"),
    )


serve(quantise)
