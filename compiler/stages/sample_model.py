"""
`sample_model`: addressed Tpu text to a model for the chip.

Inputs: `addr_mlir`. Parameters: `chip`. Writes `sample.model`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compiler.codegen.assemble import assemble
from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.tpu.ops import Tpu
from compiler.ir import files
from compiler.stages.progress import Progress, silent
from simulator import model_file
from simulator.chip import chip_named
from simulator.isa.table import BY_CODE

FILE = "sample.model"


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Assemble and write the model; the metadata tells its size and its command mix."""
    network = files.load(inputs["addr_mlir"], "addr", Structure, Tpu, Quant)
    model = assemble(network, chip_named(str(params["chip"])))
    model_file.write(model, out / FILE)
    mix = Counter(BY_CODE[int(code)] for stream in (model.tiu, model.gdma) for code in stream["op"])
    return {
        "model_bytes": (out / FILE).stat().st_size,
        "weight_bytes": int(model.weights.size),
        "activation_bytes": model.activation_bytes,
        "commands": len(model.tiu) + len(model.gdma),
        "table": [{"command": name, "count": count} for name, count in mix.most_common()],
    }
