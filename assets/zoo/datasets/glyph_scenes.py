"""
Chinese characters pasted on photographs, turned and coloured, with their exact boxes: what ddddocr's detector is for.

Three to six of one scene, none over another, in WenQuanYi Zen Hei; 384 pixels wide and 344 high, so that preprocessing
has something to fit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from assets.zoo.datasets.fonts import face
from assets.zoo.datasets.photos import photo
from assets.zoo.datasets.samples import NotInDataSet, Part, Samples, padded, pixels_of

SEEDS: dict[Part, int] = {"calibration": 30, "evaluation": 31}
BACKGROUNDS = ("china.jpg", "flower.jpg", "chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png")
CHARACTERS = (
    "天地人山水火木金土日月星云风雨雪花草树鸟鱼马牛羊龙虎中国大小多少上下左右前后东西南北"
    "春夏秋冬红黄蓝绿白黑高低长短明暗学习工作"
)
LEVELS = (0, 30, 128, 200, 255)
"""What a colour is made of."""

MOST = 6
INK = 64
"""Coverage from which a pixel belongs to a glyph."""


@dataclass(frozen=True)
class Kind:
    """What a scene is like: extents, sizes of glyphs in pixels an em, how far they are turned, and the least gap."""

    height: int = 344
    width: int = 384
    sizes: tuple[int, int] = (44, 76)
    fewest: int = 3
    turn: float = 30
    gap: int = 6


@dataclass(frozen=True)
class Scene:
    """The picture, the glyphs' boxes (x0, y0, x1, y1), and which pixels are theirs, bool (h, w)."""

    image: Image.Image
    boxes: list[tuple[int, ...]]
    mask: NDArray[np.bool_]


def samples(part: Part, count: int, shape: tuple[int, ...]) -> Samples:
    """Scenes of their own size for colour networks, and boxes. Raises NotInDataSet, PackageUnavailable."""
    if shape[0] != 3:
        raise NotInDataSet(f"glyph_scenes are colour images (3, h, w), not {shape}")
    made = [scene(np.random.default_rng([SEEDS[part], i]), Kind()) for i in range(count)]
    boxes = padded([one.boxes for one in made], MOST, np.nan).astype(np.float32)
    return Samples([pixels_of(one.image) for one in made], boxes, boxes=True)


def scene(generator: np.random.Generator, kind: Kind) -> Scene:
    """A piece of a photograph with glyphs on it."""
    image = _ground(generator, kind)
    mask, boxes = np.zeros((kind.height, kind.width), bool), list[tuple[int, ...]]()
    wanted = int(generator.integers(kind.fewest, MOST + 1))
    for _ in range(100):
        if len(boxes) == wanted:
            break
        glyph = _glyph(generator, kind)
        if glyph.width + 4 > kind.width or glyph.height + 4 > kind.height:
            continue
        x, y = (
            int(generator.integers(2, whole - part - 1))
            for whole, part in ((kind.width, glyph.width), (kind.height, glyph.height))
        )
        box = (x, y, x + glyph.width, y + glyph.height)
        if not any(_near(box, other, kind.gap) for other in boxes):
            image.paste(tuple(int(level) for level in generator.choice(LEVELS, 3)), (x, y), glyph)
            mask[y : box[3], x : box[2]] |= np.asarray(glyph) > INK
            boxes.append(box)
    return Scene(image, boxes, mask)


def _ground(generator: np.random.Generator, kind: Kind) -> Image.Image:
    whole = photo(str(generator.choice(BACKGROUNDS)))
    x = int(generator.integers(0, max(0, whole.width - kind.width) + 1))
    y = int(generator.integers(0, max(0, whole.height - kind.height) + 1))
    return whole.crop((x, y, x + kind.width, y + kind.height))


def _glyph(generator: np.random.Generator, kind: Kind) -> Image.Image:
    """A turned character's coverage, cut to what is visible of it."""
    size = int(generator.integers(*kind.sizes))
    image = Image.new("L", (2 * size, 2 * size), 0)
    character = CHARACTERS[int(generator.integers(len(CHARACTERS)))]
    ImageDraw.Draw(image).text((size, size), character, font=face("wqy-zenhei", size), fill=255, anchor="mm")
    turned = image.rotate(float(generator.uniform(-kind.turn, kind.turn)), resample=Image.Resampling.BICUBIC)
    return turned.crop(turned.point([255 * (level > INK) for level in range(256)]).getbbox())


def _near(box: tuple[int, ...], other: tuple[int, ...], gap: int) -> bool:
    return all(box[i] <= other[i + 2] + gap and other[i] <= box[i + 2] + gap for i in (0, 1))
