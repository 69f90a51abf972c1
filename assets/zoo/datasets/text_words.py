"""
Rendered strings of letters or digits without sense, to be read, and their characters as the recogniser numbers them.

Without sense, since a net that was trained on words reads words without fault; black on white, of their own extents.
"""

from functools import cache

import numpy as np
import onnx
from PIL import Image, ImageDraw

from assets.zoo.datasets.fonts import face
from assets.zoo.datasets.samples import NotInDataSet, Part, Samples, padded, pixels_of
from assets.zoo.packages import Wheel, member

SEEDS: dict[Part, int] = {"calibration": 60, "evaluation": 61}
WHEEL = Wheel("rapidocr-onnxruntime", "1.4.4", "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf")
RECOGNISER = "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"
FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono"),
    *("LiberationSans-Regular", "LiberationSerif-Regular", "LiberationMono-Regular"),
)
LETTERS, DIGITS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
KINDS = (LETTERS, DIGITS, "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ")
SHARES = (0.6, 0.25, 0.15)
"""What a string is made of, and how often."""

SIZE, MARGIN, MOST = 40, 8, 10
"""Pixels an em, pixels around, characters at most."""


def samples(part: Part, count: int, shape: tuple[int, ...]) -> Samples:
    """Strings as pictures of their own extents; labels (count, 10), -1 past the end. Raises PackageUnavailable."""
    if shape[0] != 3:
        raise NotInDataSet(f"text_words are colour images (3, h, w), not {shape}")
    texts, pictures = list[str](), list[Image.Image]()
    for i in range(count):
        generator = np.random.default_rng([SEEDS[part], i])
        texts.append(_text(generator))
        pictures.append(_rendered(texts[-1], str(generator.choice(FONTS))))
    labels = padded([[numbers()[letter] for letter in text] for text in texts], MOST, -1)
    return Samples([pixels_of(picture) for picture in pictures], labels.astype(np.int64))


@cache
def numbers() -> dict[str, int]:
    """The recogniser's number of each character, as its file lists them; 0 is the blank of CTC."""
    held = onnx.load_model_from_string(member(WHEEL, RECOGNISER))
    listed = next(entry.value for entry in held.metadata_props if entry.key == "character")
    return {character: number for number, character in enumerate(listed.splitlines(), 1)}


def _text(generator: np.random.Generator) -> str:
    kind = KINDS[int(generator.choice(len(KINDS), p=SHARES))]
    return "".join(kind[i] for i in generator.integers(len(kind), size=generator.integers(4, MOST + 1)))


def _rendered(text: str, font: str) -> Image.Image:
    left, top, right, bottom = (round(edge) for edge in face(font, SIZE).getbbox(text))
    image = Image.new("RGB", (right - left + 2 * MARGIN, bottom - top + 2 * MARGIN), "white")
    ImageDraw.Draw(image).text((MARGIN - left, MARGIN - top), text, font=face(font, SIZE), fill="black")
    return image
