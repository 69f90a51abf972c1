"""What a record may say, field by field: each model class is one group of the YAML file."""

import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PositiveFloat, PositiveInt, model_validator

from assets.zoo.origins import Built, Committed, ForeignModel, Light, OwnModel, Packaged
from assets.zoo.strict import OwnFile, Strict
from compiler.build.flow import Target
from compiler.metrics.table import metric_named

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""A model's name: it becomes a folder and part of a partition's key."""

FORMATS = ("F32", "BF16", "F16", "W8F16", "INT8")

Mode = Literal["f32", "bf16", "f16", "int8", "int8a", "mix"]
Bound = Literal["cosine", "euclid", "sqnr_db", "max_error", "mismatched_bytes", "accuracy_drop"]


def checked_name(text: str) -> str:
    """The name of a model. Raises ValueError."""
    if not NAME.fullmatch(text):
        raise ValueError(f"{text!r} can't name a model: letters, digits, '_', '.', '-' only, a letter or digit first")
    return text


def _exception(value: Any) -> Any:
    """A qtable's value: a number format, or a threshold."""
    if isinstance(value, str) and value.upper() in FORMATS:
        return value.upper()
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
        return float(value)
    raise ValueError(f"{value!r} is neither a number format ({', '.join(FORMATS)}) nor a threshold above 0")


def _target(text: str) -> str:
    return str(Target.parse(text))


def _metric(name: str) -> str:
    metric_named(name)
    return name


Extents = Annotated[tuple[PositiveInt, ...], Field(min_length=1)]


class Resize(Strict):
    """
    How a picture comes to the network's extents.

    `stretch` both ways; or `letterbox`: as large as fits, in the corner or the centre, the rest filled with a grey.
    """

    kind: Literal["stretch", "letterbox"]
    filter: Literal["nearest", "bilinear", "bicubic"] = "bilinear"
    place: Literal["corner", "centre"] = "corner"
    fill: float = Field(default=0, ge=0, le=255)


class Raw(Strict):
    """What a model takes that preprocesses by itself: pixels 0..255 in the network's extents, red first."""

    layout: Literal["nchw", "nhwc"] = "nchw"
    dtype: Literal["float32", "uint8"] = "float32"


class Preprocessing(Strict):
    """
    From pictures to the network's numbers: fitted, then `(pixel ÷ divisor - mean) ÷ std`, for data sets of pictures.

    `mean` and `std` have one number a channel, in the network's colour order, or one for all. `colour` and `layout` are
    what the network takes. With `raw` the model can be compiled to do all but the fitting by itself.
    """

    resize: Resize | None = None
    divisor: PositiveFloat = 255
    mean: tuple[float, ...] = (0.0,)
    std: tuple[PositiveFloat, ...] = (1.0,)
    colour: Literal["rgb", "bgr"] = "rgb"
    layout: Literal["nchw", "nhwc"] = "nchw"
    raw: Raw | None = None


class Samples(Strict):
    """Inputs: the first `samples` of a data set's part, or of the arrays in an own `.npz`, one for each input."""

    dataset: str | None = None
    file: OwnFile | None = None
    samples: PositiveInt

    @model_validator(mode="after")
    def one_origin(self) -> Self:
        """A data set or a file."""
        if (self.dataset is None) == (self.file is None):
            raise ValueError("give either dataset, a name, or file, an .npz beside the record")
        return self


class Calibration(Samples):
    """Inputs to take ranges from, and the method."""

    method: Literal["auto", "max", "kl", "percentile", "mse", "aciq_gauss", "aciq_laplace", "mse_x8", "mse_x64"] = (
        "auto"
    )
    bins: int = Field(2048, ge=256, multiple_of=2)


class Evaluation(Samples):
    """
    Inputs to judge by; no metric where labels are unknown.

    `also` names metrics that are told beside it, of the same kind of output. `tolerance` says for each mode what a
    comparison and an accuracy must reach, by the names of their columns; int8's holds for a mode that it leaves out.
    """

    metric: Annotated[str, AfterValidator(_metric)] | None = None
    also: tuple[Annotated[str, AfterValidator(_metric)], ...] = ()
    tolerance: dict[Mode, dict[Bound, float]]

    @model_validator(mode="after")
    def complete(self) -> Self:
        """Int8 has bounds, and with a metric each mode says how much of it may be lost."""
        if "int8" not in self.tolerance:
            raise ValueError("tolerance needs int8, whose bounds hold for modes that are left out")
        loose = [mode for mode, bounds in self.tolerance.items() if self.metric and "accuracy_drop" not in bounds]
        if loose:
            raise ValueError(f"tolerance of {', '.join(loose)} needs accuracy_drop, since there is a metric")
        return self

    @model_validator(mode="after")
    def alike(self) -> Self:
        """The further metrics keep the same of the outputs as the first."""
        for name in self.also:
            if self.metric is None or metric_named(name).keep is not metric_named(self.metric).keep:
                raise ValueError(f"also has {name}, which needs other outputs than metric {self.metric}; leave it out")
        return self


class Mix(Strict):
    """
    What mode mix has to reach in the fewest cycles: `sqnr` in dB, or a `drop`, the share of answers unlike float's.

    At most `budget` configurations are measured, on so many calibration `samples`.
    """

    sqnr: float | None = None
    drop: Annotated[float, Field(ge=0, le=1)] | None = None
    budget: PositiveInt = 80
    samples: PositiveInt = 8


class Schedule(Strict):
    """
    How long to look for layer groups (1 to 3); with a seed they are random ones, for tests.

    `compress` packs weights in global memory.
    """

    effort: Annotated[int, Field(ge=1, le=3)] = 2
    seed: int | None = None
    compress: bool = False


class Record(Strict):
    """Everything that is particular to one model: a new one needs a new file and no code."""

    name: Annotated[str, AfterValidator(checked_name)]
    source: Annotated[Committed | OwnModel | ForeignModel | Packaged | Built | Light, Field(discriminator="kind")]
    licence: str
    inputs: Annotated[dict[str, Extents], Field(min_length=1)]
    preprocessing: Preprocessing = Preprocessing()
    calibration: Calibration
    evaluation: Evaluation
    qtable: dict[str, Annotated[str | float, BeforeValidator(_exception)]] = Field(
        default_factory=dict[str, str | float]
    )
    qtable_file: OwnFile | None = None
    """More exceptions, in a file of TPU-MLIR's format beside the record; `qtable` goes before it."""

    mix: Mix = Mix()
    rounding: Literal["reconstruct", "nearest"] = "reconstruct"
    schedule: Schedule = Schedule()
    targets: tuple[Annotated[str, AfterValidator(_target)], ...] = ("x64-int8",)
    """What a new or changed model is built for at once."""

    io: Literal["computed", "stored", "float32"] = "computed"
    """In which types inputs and results pass: results as ops make them, all as the mode stores them, or float32."""

    fuse_preprocess: bool = False
    """Whether the compiled model takes raw pixels and preprocesses them by itself."""

    optional: bool = False
    """Whether the model stands back: for its licence, or its size, it isn't built by night or shown in the demo."""

    @model_validator(mode="after")
    def enough(self) -> Self:
        """There is at least one batch to calibrate and judge with."""
        batch = max(extents[0] for extents in self.inputs.values())
        for part in ("calibration", "evaluation"):
            if getattr(self, part).samples < batch:
                raise ValueError(f"{part}.samples has to be {batch} at least: an input takes so many at a time")
        return self

    @model_validator(mode="after")
    def by_channel(self) -> Self:
        """Preprocessing has a number for each channel, or one for all."""
        extents = self.inputs[self.image_input]
        axis = 1 if self.preprocessing.layout == "nchw" else len(extents) - 1
        channels = extents[axis] if len(extents) > 1 else 1
        for name in ("mean", "std"):
            if len(getattr(self.preprocessing, name)) not in (1, channels):
                raise ValueError(f"preprocessing.{name} needs one number, or {channels}: one for each channel")
        return self

    @model_validator(mode="after")
    def raw_is_told(self) -> Self:
        """What is fused is told."""
        if self.fuse_preprocess and self.preprocessing.raw is None:
            raise ValueError("fuse_preprocess needs preprocessing.raw, such as {layout: nhwc, dtype: uint8}")
        return self

    @property
    def picture_shape(self) -> tuple[int, ...]:
        """(c, h, w) of the one input that a data set of pictures feeds; its extents but the first, if it isn't one."""
        extents = self.inputs[self.image_input][1:]
        return (extents[-1], *extents[:-1]) if self.preprocessing.layout == "nhwc" else extents

    @property
    def image_input(self) -> str:
        """The one input that a data set of pictures feeds."""
        return next(iter(self.inputs))

    def own_files(self) -> dict[str, Path]:
        """The files beside the record that it names, by field."""
        named: dict[str, Path | None] = {
            "source.file": self.source.file if isinstance(self.source, OwnModel | ForeignModel) else None,
            "calibration.file": self.calibration.file,
            "evaluation.file": self.evaluation.file,
            "qtable_file": self.qtable_file,
        }
        return {field: path for field, path in named.items() if path is not None}
