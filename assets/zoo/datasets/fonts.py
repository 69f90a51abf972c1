"""Fonts to render text with: those that ship in matplotlib, and those of two Debian packages."""

from functools import cache
from io import BytesIO
from pathlib import Path

import matplotlib
from PIL import ImageFont

from assets.zoo.packages import DebianPackage, member

MATPLOTLIB = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
LIBERATION = DebianPackage(
    "fonts-liberation2", "2.1.5-1", "35ffaa54f117e633e89a5da89af235a073b34dbe582726fbf6989568f7fd9bda"
)
ZEN_HEI = DebianPackage(
    "fonts-wqy-zenhei", "0.9.45-8", "cfed2c29164ff2f133e40ed2046610b172b8618d174840936ac4ec9b6fd668e7"
)
FOLDER = "usr/share/fonts/truetype"


@cache
def face(name: str, size: int) -> ImageFont.FreeTypeFont:
    """`name`, such as DejaVuSans-Bold, at `size` pixels an em. Raises PackageUnavailable."""
    return ImageFont.truetype(BytesIO(_file(name)), size)


@cache
def _file(name: str) -> bytes:
    if name.startswith("DejaVu"):
        return (MATPLOTLIB / f"{name}.ttf").read_bytes()
    if name == "wqy-zenhei":
        return member(ZEN_HEI, f"{FOLDER}/wqy/{name}.ttc")
    return member(LIBERATION, f"{FOLDER}/liberation2/{name}.ttf")
