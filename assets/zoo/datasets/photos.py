"""Photographs that ship in scikit-image and scikit-learn, to paste things on or to scale."""

from functools import cache
from io import BytesIO

from PIL import Image

from assets.zoo.packages import Wheel, member

SCIKIT_IMAGE = Wheel(
    "scikit-image",
    "0.26.0",
    "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
    "cp311-manylinux_2_28_x86_64",
)
SCIKIT_LEARN = Wheel(
    "scikit-learn",
    "1.9.1",
    "52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
    "cp311-manylinux_2_28_x86_64",
)
LEARN = ("china.jpg", "flower.jpg")
"""Those of scikit-learn."""


@cache
def photo(name: str) -> Image.Image:
    """The picture in colour, by the name of its file. Raises PackageUnavailable."""
    if name in LEARN:
        held = member(SCIKIT_LEARN, f"sklearn/datasets/images/{name}")
    else:
        held = member(SCIKIT_IMAGE, f"skimage/data/{name}")
    return Image.open(BytesIO(held)).convert("RGB")
