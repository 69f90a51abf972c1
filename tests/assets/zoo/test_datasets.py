"""Data sets: the same bytes each time, parts without a common sample, and what they are said to be."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from assets.zoo.datasets import glyph_masks, seeded_images, text_lines, text_pages, word_pairs
from assets.zoo.datasets.catalogue import DATASETS, VALUES, UnknownDataSet, data_set
from assets.zoo.datasets.mnist5k import samples as mnist5k
from assets.zoo.datasets.samples import NotInDataSet, Part
from assets.zoo.packages import PackageUnavailable

PARTS: tuple[Part, ...] = ("calibration", "evaluation")
SHAPES = {
    "fashion_mnist": (1, 28, 28),
    "glyph_masks": (3, 96, 96),
    "glyph_scenes": (3, 416, 416),
    "mnist5k": (1, 28, 28),
    "photo_crops": (3, 32, 32),
    "seeded_images": (3, 40, 56),
    "text_lines": (3, 48, 192),
    "text_pages": (3, 160, 320),
    "text_words": (3, 48, 320),
}
OWN_SIZE = {"glyph_scenes", "text_words"}
INPUTS: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "japanese_vowels": {"x": (1, 29, 12)},
    "seeded_normal": {"x": (1, 3), "y": (1, 2, 2)},
    "spellings": {"ids": (1, 16)},
    "word_pairs": dict.fromkeys(("input_ids", "attention_mask", "token_type_ids"), (1, 16)),
    "speech": {"input": (2, 576), "h": (1, 1, 8)},
}


@pytest.fixture(params=SHAPES)
def name(request: pytest.FixtureRequest) -> str:
    """Each data set of pictures that can be had here; the stamps are too large."""
    try:
        data_set(request.param)("calibration", 1, SHAPES[request.param])
    except PackageUnavailable as error:
        pytest.skip(str(error))
    return request.param


def numbers(name: str, part: Part, count: int) -> Mapping[str, NDArray[Any]]:
    try:
        return VALUES[name](part, count, INPUTS[name])
    except PackageUnavailable as error:
        pytest.skip(str(error))


def test_more_samples_begin_with_fewer(name: str) -> None:
    few, many = (data_set(name)("evaluation", count, SHAPES[name]) for count in (3, 6))
    for one, other in zip(few.pixels, many.pixels, strict=False):
        np.testing.assert_array_equal(one, other)
    if few.labels is not None and many.labels is not None:
        np.testing.assert_array_equal(few.labels, many.labels[:3])


@pytest.mark.parametrize("name", INPUTS)
def test_more_numbers_begin_with_fewer(name: str) -> None:
    few, many = (numbers(name, "evaluation", count) for count in (4, 6))
    assert set(few) - {"labels"} == set(INPUTS[name])
    for key, array in few.items():
        np.testing.assert_array_equal(array, many[key][: len(array)])


@pytest.mark.parametrize("name", INPUTS)
def test_the_parts_have_no_common_number(name: str) -> None:
    key = next(iter(INPUTS[name]))
    first, second = ({row.tobytes() for row in numbers(name, part, 40)[key]} for part in PARTS)
    if name != "word_pairs":
        assert not first & second


def test_pixels_are_what_they_are_said_to_be(name: str) -> None:
    held = data_set(name)("evaluation", 6, SHAPES[name])
    assert isinstance(held.pixels, list) == (name in OWN_SIZE)
    for picture in held.pixels:
        assert picture.dtype == np.float32
        assert picture.shape[0] == SHAPES[name][0]
        assert picture.shape == SHAPES[name] or name in OWN_SIZE
    assert min(picture.min() for picture in held.pixels) >= 0
    assert 200 <= max(picture.max() for picture in held.pixels) <= 255


def test_the_parts_have_no_common_sample(name: str) -> None:
    parts = (data_set(name)("calibration", 30, SHAPES[name]), data_set(name)("evaluation", 30, SHAPES[name]))
    first, second = ({image.tobytes() for image in part.pixels} for part in parts)
    assert len(first) == len(second) == 30
    assert not first & second


def test_boxes_lie_on_what_was_drawn() -> None:
    try:
        held = text_pages.samples("evaluation", 5, (3, 320, 320))
    except PackageUnavailable as error:
        pytest.skip(str(error))
    assert held.labels is not None
    for page, boxes in zip(held.pixels, held.labels, strict=True):
        ink = np.abs(page - page[:, :1, :1]).max(0) > 30
        for x0, y0, x1, y1 in boxes[~np.isnan(boxes).any(1)].astype(int).tolist():
            assert ink[y0:y1, x0:x1].mean() > 0.05
            ink[y0 - 1 : y1 + 1, x0 - 1 : x1 + 1] = False
        assert not ink.any()


def test_masks_cover_the_glyphs() -> None:
    try:
        held = glyph_masks.samples("evaluation", 20, (3, 96, 96))
    except PackageUnavailable as error:
        pytest.skip(str(error))
    assert held.labels is not None
    assert held.labels.shape == (20, 1, 96, 96)
    assert set(np.unique(held.labels).tolist()) == {0, 1}
    assert (held.labels.mean((1, 2, 3)) > 0.01).all()


def test_word_pieces_are_the_longest_there_are() -> None:
    try:
        assert word_pairs.word_pieces("embeddings") == ["em", "##bed", "##ding", "##s"]
    except PackageUnavailable as error:
        pytest.skip(str(error))
    assert word_pairs.word_pieces("\u2603\u2603") == ["[UNK]"]


def test_mnist5k_holds_every_digit_and_no_more_than_5000() -> None:
    try:
        held = mnist5k("evaluation", 1000, (1, 28, 28))
    except PackageUnavailable as error:
        pytest.skip(str(error))
    assert held.labels is not None
    assert np.bincount(held.labels).min() > 80
    with pytest.raises(NotInDataSet, match="has 1000 samples"):
        mnist5k("evaluation", 1001, (1, 28, 28))


def test_a_turned_line_is_labelled_as_turned() -> None:
    clean = {"BLUR": (0.01, 0.01), "NOISE": (0.0, 0.0)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in clean.items():
            patch.setattr(text_lines, name, value)
        held = text_lines.samples("evaluation", 40, (3, 48, 192))
    assert held.labels is not None
    below = [image[0, 24:].mean() < image[0, :24].mean() for image in held.pixels]
    upright, turned = (np.mean(np.array(below)[held.labels == label]) for label in (0, 1))
    assert upright != turned


def test_text_lines_are_in_colour() -> None:
    with pytest.raises(NotInDataSet, match="colour"):
        text_lines.samples("evaluation", 1, (1, 48, 192))


def test_seeded_images_have_more_power_in_coarse_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeded_images, "DISCS", 0)
    images = np.asarray(seeded_images.samples("evaluation", 4, (3, 64, 64)).pixels)
    power = np.abs(np.fft.rfft2(images)).mean((0, 1))
    assert power[1:4, 1:4].mean() > 5 * power[16:32, 16:32].mean()


def test_a_data_set_is_called_as_its_module() -> None:
    for name, made in {**DATASETS, **VALUES}.items():
        assert made.__module__ == f"assets.zoo.datasets.{name}"


def test_an_unknown_data_set_lists_those_there_are() -> None:
    with pytest.raises(UnknownDataSet, match=r"no data set 'imagenet'; there are fashion_mnist, .*mnist5k"):
        data_set("imagenet")
