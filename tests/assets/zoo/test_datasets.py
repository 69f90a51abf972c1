"""Data sets: the same bytes each time, parts without a common sample, and what they are said to be."""

import numpy as np
import pytest

from assets.zoo.datasets import seeded_images, text_lines
from assets.zoo.datasets.catalogue import DATASETS, UnknownDataSet, data_set
from assets.zoo.datasets.mnist5k import samples as mnist5k
from assets.zoo.datasets.samples import NotInDataSet
from assets.zoo.packages import PackageUnavailable

SHAPES = {"mnist5k": (1, 28, 28), "seeded_images": (3, 40, 56), "text_lines": (3, 48, 192)}


@pytest.fixture(params=DATASETS)
def name(request: pytest.FixtureRequest) -> str:
    """Each data set that can be had here."""
    try:
        data_set(request.param)("calibration", 1, SHAPES[request.param])
    except PackageUnavailable as error:
        pytest.skip(str(error))
    return request.param


def test_more_samples_begin_with_fewer(name: str) -> None:
    few, many = (data_set(name)("evaluation", count, SHAPES[name]) for count in (3, 6))
    np.testing.assert_array_equal(few.pixels, many.pixels[:3])
    if few.labels is not None and many.labels is not None:
        np.testing.assert_array_equal(few.labels, many.labels[:3])


def test_pixels_are_what_they_are_said_to_be(name: str) -> None:
    pixels = data_set(name)("evaluation", 6, SHAPES[name]).pixels
    assert (pixels.shape, pixels.dtype) == ((6, *SHAPES[name]), np.float32)
    assert pixels.min() >= 0
    assert 200 <= pixels.max() <= 255


def test_the_parts_have_no_common_sample(name: str) -> None:
    parts = (data_set(name)("calibration", 30, SHAPES[name]), data_set(name)("evaluation", 30, SHAPES[name]))
    first, second = ({image.tobytes() for image in part.pixels} for part in parts)
    assert len(first) == len(second) == 30
    assert not first & second


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
    images = seeded_images.samples("evaluation", 4, (3, 64, 64)).pixels
    power = np.abs(np.fft.rfft2(images)).mean((0, 1))
    assert power[1:4, 1:4].mean() > 5 * power[16:32, 16:32].mean()


def test_an_unknown_data_set_lists_those_there_are() -> None:
    with pytest.raises(UnknownDataSet, match="no data set 'imagenet'; there are mnist5k"):
        data_set("imagenet")
