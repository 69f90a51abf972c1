"""The same artifacts as tables of pandas, to sort, select and join."""

import onnx
import pandas as pd

from assets.explore.artifacts import Artifacts
from compiler.dialects.structure import NoneOp, WeightOp
from compiler.ir.network import name_of


class Tables(Artifacts):
    """The artifacts of one model for one target, their rows as frames."""

    def ops(self, network: str) -> pd.DataFrame:
        """By tensor, in order: the op that makes it and its type, of `canonical`, `tpu` or another network."""
        rows = [
            {"tensor": name_of(result), "op": op.name, "type": str(result.type)}
            for op in getattr(self, network).module.walk()
            for result in op.results
            if not isinstance(op, WeightOp | NoneOp)
        ]
        return pd.DataFrame(rows).set_index("tensor")

    @property
    def thresholds(self) -> pd.DataFrame:
        """By tensor, in execution order: `threshold`, `low` and `high`. Raises NotMade for a float mode."""
        rows = [{"tensor": name, **vars(entry)} for name, entry in self.entries.items()]
        return pd.DataFrame(rows).set_index("tensor")

    @property
    def comparison(self) -> pd.DataFrame:
        """A row for each pair of runs (`later` against `earlier`) and tensor, in execution order."""
        return pd.DataFrame(self.compared)

    @property
    def profile(self) -> pd.DataFrame:
        """By layer, in the order they start: cycles, bytes, multiply-accumulates and records."""
        return pd.DataFrame(self.layers).set_index("layer")

    @property
    def sample(self) -> onnx.ModelProto:
        """The model as ONNX with every shape fixed."""
        return onnx.load_model(self.path("sample_onnx", "sample.onnx"))
