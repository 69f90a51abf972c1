"""`.npz` files: written with any names and the same bytes every time, read with what is wrong said plainly."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NUMBERS = "biufV"
"""Kinds of numpy types that are taken; V is how types that numpy doesn't know come back, such as bfloat16."""


class DamagedArrays(Exception):
    """A file isn't an `.npz` of numbers, or not a whole one; the message names the file and the array."""


def read_npz(path: Path, texts: bool = False) -> dict[str, NDArray[Any]]:
    """Every array of the file by name, in its order; of numbers, or `texts` too. Raises DamagedArrays."""
    kinds = f"{NUMBERS}U" if texts else NUMBERS
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            begin = file.read(8)
        raise DamagedArrays(f"{path} isn't an .npz, or was cut short (it begins with {begin!r}); make it again")
    arrays: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.namelist():
            name = entry.removesuffix(".npy")
            try:
                with archive.open(entry) as stream:
                    arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
            except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
                raise DamagedArrays(f"{path}: array {name!r} can't be read: {error}; make the file again") from None
            if arrays[name].dtype.kind not in kinds:
                raise DamagedArrays(f"{path}: array {name!r} holds {arrays[name].dtype}, not numbers; store numbers")
    return arrays


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays uncompressed in the order given; entries carry a fixed date."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)
