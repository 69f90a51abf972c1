"""What can be wrong with a model that comes in. Every message names the file, node or input, and the mend."""

from __future__ import annotations

from collections.abc import Sequence


class ModelError(Exception):
    """A model that the front end can't take."""


class DamagedModel(ModelError):
    """The file isn't an ONNX model, or one whose parts don't fit together."""


class MissingExternalData(ModelError):
    """A tensor lies in a file that isn't beside the model, or that ends too early."""


class UnboundDimension(ModelError):
    """An input has a dynamic dimension and nobody gave it a value."""


class WrongShape(ModelError):
    """The shapes asked for don't fit the model's inputs."""


class UnsupportedModel(ModelError):
    """The model has nodes that no Top op expresses: all of them, by name and op type, with the reason."""

    def __init__(self, problems: Sequence[tuple[str, str, str]]) -> None:
        self.problems = list(problems)
        lines = [f"  {op_type} {name!r}: {why}" for name, op_type, why in self.problems]
        count = "1 node isn't" if len(lines) == 1 else f"{len(lines)} nodes aren't"
        super().__init__("\n".join([f"{count} supported:", *lines]))
