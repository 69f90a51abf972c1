"""
Photographs in packages, cropped at random: what EfficientNet-Lite0 and the detector of `bench quant` are fed.

A photograph calibrates or judges, never both.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from io import BytesIO
from itertools import cycle, islice
from math import exp, log

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assets.zoo.datasets.photos import photo
from assets.zoo.datasets.samples import Part, pixels_of
from assets.zoo.packages import DebianPackage, fetch

OPENCV = DebianPackage(
    "opencv-doc", "4.6.0+dfsg-12", "4b12681df35878207ac7097dc66184b2ae552e4bf4ddd2af04a0f03ed0b8682a"
)
MATE = DebianPackage("mate-backgrounds", "1.26.0-1", "7bf4c2209f34b4f61ba6d24c8b58c28b361e82e4b943aae6d42c030169af9e04")
PLASMA = DebianPackage(
    "plasma-workspace-wallpapers", "4:5.27.5-2", "32cd18b71c8c938a18b3b351f217c02ac590e323caa3cf322fbb875ce8892f8b"
)
PLACES = (
    (OPENCV, "usr/share/doc/opencv-doc/examples/data/", ""),
    (MATE, "usr/share/backgrounds/mate/nature/", ""),
    (MATE, "usr/share/backgrounds/mate/abstract/", ""),
    (PLASMA, "usr/share/wallpapers/", "/contents/images/2560x1600.jpg"),
    (PLASMA, "usr/share/wallpapers/", "/contents/images/3200x2000.jpg"),
)
"""Where a package has photographs: what stands before and behind their names."""

NAMES: dict[Part, Sequence[str]] = {
    "calibration": (
        *("Blinds.jpg", "aero1.jpg", "basketball1.png", "pic2.png", "orange.jpg", "OneStandsOut", "left01.jpg"),
        *("Autumn", "Garden.jpg", "board.jpg", "licenseplate_motion.jpg", "coffee.png", "box_in_scene.png"),
        *("FreshFlower.jpg", "Aqua.jpg", "apple.jpg", "chicky_512.png", "Storm.jpg", "summer_1am", "messi5.jpg"),
        *("rubberwhale1.png", "fruits.jpg", "FallenLeaf", "coins.png", "notes.png", "home.jpg", "camera.png"),
        *("stuff.jpg", "ColdRipple", "BytheWater", "chelsea.png", "aloeL.jpg"),
    ),
    "evaluation": (
        *("cards.png", "astronaut.png", "Path", "squirrel_cls.jpg", "GreenMeadow.jpg", "YellowFlower.jpg", "Grey"),
        *("butterfly.jpg", "starry_night.jpg", "DarkestHour", "Kite", "hubble_deep_field.jpg", "PastelHills"),
        *("EveningGlow", "ela_original.jpg", "graf1.png", "RainDrops.jpg", "leuvenA.jpg", "rocket.jpg"),
        *("HappyFish.jpg", "motorcycle_left.png", "baboon.jpg", "china.jpg", "Elephants.jpg", "flower.jpg"),
        *("Wood.jpg", "retina.jpg", "smarties.png", "building.jpg", "LadyBird.jpg", "TwoWings.jpg", "Dune.jpg"),
    ),
}
PEOPLE: dict[Part, Sequence[str]] = {
    "calibration": ("basketball1.png", "messi5.jpg"),
    "evaluation": 4 * ("camera.png", "astronaut.png"),
}
"""What the detector is there for: it sees these beside the others, or in their place."""

SEED = 7
CALIBRATING = 100
"""Crops that one generator draws before those to judge by."""

SHORT = 640
"""Pixels along the shorter side of a photograph that is larger."""

ASPECTS = (3 / 4, 4 / 3)
GREY, SPREAD = 127.0, 128.0
LITE_SIDE, DETECTED_SIDE = 224, 320
LITE_LEAST, DETECTED_LEAST = 0.25, 0.4
"""Of the photograph's area in a crop, at least."""


def classified(part: Part, count: int) -> dict[str, NDArray[np.float32]]:
    """Crops as EfficientNet-Lite0 takes them: `x` (count, 3, 224, 224). Raises PackageUnavailable."""
    pixels = _crops(part, NAMES, count, LITE_SIDE, LITE_LEAST)
    return {"x": (pixels - np.float32(GREY)) / np.float32(SPREAD)}


def detected(part: Part, count: int) -> dict[str, NDArray[np.float32]]:
    """Crops as the detector takes them: `images` (count, 3, 320, 320) in 0..1. Raises PackageUnavailable."""
    judging = set(PEOPLE["evaluation"])
    names: dict[Part, Sequence[str]] = {
        half: [*(name for name in NAMES[half] if name not in judging), *PEOPLE[half]] for half in PEOPLE
    }
    return {"images": _crops(part, names, count, DETECTED_SIDE, DETECTED_LEAST) / np.float32(255)}


def _crops(part: Part, names: Mapping[Part, Sequence[str]], count: int, side: int, least: float) -> NDArray[np.float32]:
    """Crops of each of the part's photographs in turn (count, 3, side, side), red first, in 0..255."""
    generator = np.random.default_rng(SEED)
    if part == "evaluation":
        for name in _in_turn(names["calibration"], CALIBRATING):
            _window(_photograph(name), least, generator)
    made = list[NDArray[np.float32]]()
    for name in _in_turn(names[part], count):
        window, mirrored = _window(_photograph(name), least, generator)
        crop = _photograph(name).crop(window).resize((side, side), Image.Resampling.BICUBIC)
        made.append(pixels_of(crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else crop))
    return np.stack(made)


def _in_turn(names: Sequence[str], count: int) -> Iterator[str]:
    return islice(cycle(names), count)


def _window(image: Image.Image, least: float, generator: np.random.Generator) -> tuple[tuple[int, int, int, int], bool]:
    """A part of any size and place and of nearly any shape, and whether it is mirrored."""
    area = image.width * image.height * generator.uniform(least, 1)
    aspect = exp(generator.uniform(log(ASPECTS[0]), log(ASPECTS[1])))
    width, height = min(image.width, int((area * aspect) ** 0.5)), min(image.height, int((area / aspect) ** 0.5))
    x, y = (int(generator.integers(room + 1)) for room in (image.width - width, image.height - height))
    return (x, y, x + width, y + height), bool(generator.random() < 0.5)


@cache
def _photograph(name: str) -> Image.Image:
    image = Image.open(BytesIO(_debian()[name])).convert("RGB") if name in _debian() else photo(name)
    scale = SHORT / min(image.size)
    if scale >= 1:
        return image
    return image.resize((int(image.width * scale), int(image.height * scale)), Image.Resampling.BICUBIC)


@cache
def _debian() -> dict[str, bytes]:
    """The content of the Debian packages' photographs by name."""
    wanted = {name for names in (*NAMES.values(), *PEOPLE.values()) for name in names}
    made = dict[str, bytes]()
    for package in dict.fromkeys(package for package, _, _ in PLACES):
        ends = [(start, end) for held, start, end in PLACES if held is package]
        for path, read in package.files(fetch(package)):
            for name in (path.removeprefix(start).removesuffix(end) for start, end in ends):
                if name in wanted and any(path == f"{start}{name}{end}" for start, end in ends):
                    made[name] = read()
    return made
