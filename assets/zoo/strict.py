"""What every group of a record's fields is: strict about names, frozen, and its files lie beside the record."""

import difflib
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError


class Strict(BaseModel):
    """Unknown fields are errors that name the nearest right one, and a record never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def known(cls, value: Any) -> Any:
        """Refuse a field that there is none of."""
        for name in cast("dict[str, Any]", value) if isinstance(value, dict) else ():
            if name not in cls.model_fields:
                near = difflib.get_close_matches(str(name), cls.model_fields, 1)
                told = f"did you mean {near[0]}?" if near else f"there are {', '.join(cls.model_fields)}"
                raise PydanticCustomError("unknown_field", "there is no such field; {told}", {"told": told, "at": name})
        return cast("Any", value)


def _beside(path: Path, info: ValidationInfo) -> Path:
    context: Any = info.context
    folder = Path(context["folder"])
    if path.is_absolute() or not (folder / path).resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{path} lies outside the record's folder; copy it there, and name it from there")
    return folder / path


OwnFile = Annotated[Path, AfterValidator(_beside), PlainSerializer(lambda path: path.name, when_used="json")]
"""A file by its path from the record's folder, below which it has to lie; read as an absolute path."""
