"""Pictures brought to a network's extents, colours and numbers, and what is known of them moved along."""

import numpy as np
import pytest

from assets.zoo.datasets.samples import NotInDataSet, Samples
from assets.zoo.fields import Preprocessing, Raw, Resize
from assets.zoo.preprocess import fitted, normalised, raw

RANDOM = np.random.default_rng(0)
BOXES = np.array([[[0, 0, 20, 10], [10, 5, 20, 10], [np.nan] * 4]], np.float32)
WIDE = RANDOM.integers(0, 256, (3, 10, 20)).astype(np.float32)


def test_a_letterbox_keeps_proportions_and_moves_boxes() -> None:
    made = fitted(Samples([WIDE], BOXES, boxes=True), (3, 40, 40), Resize(kind="letterbox", fill=114))
    pixels = np.asarray(made.pixels)
    assert pixels.shape == (1, 3, 40, 40)
    assert (pixels[0, :, 20:] == 114).all()
    assert abs(pixels[0, :, :20].mean() - WIDE.mean()) < 3
    assert made.labels is not None
    assert made.labels[0, :2].tolist() == [[0, 0, 40, 20], [20, 10, 40, 20]]
    assert np.isnan(made.labels[0, 2]).all()


def test_in_the_centre_boxes_are_shifted_too() -> None:
    how = Resize(kind="letterbox", place="centre", filter="nearest")
    made = fitted(Samples([WIDE], BOXES, boxes=True), (3, 20, 20), how)
    pixels = np.asarray(made.pixels)
    np.testing.assert_array_equal(pixels[0, :, 5:15], WIDE)
    assert not pixels[0, :, :5].any()
    assert made.labels is not None
    assert made.labels[0, 0].tolist() == [0, 5, 20, 15]


def test_stretching_takes_the_whole_extent() -> None:
    made = fitted(Samples([WIDE], BOXES, boxes=True), (3, 20, 10), Resize(kind="stretch"))
    assert made.labels is not None
    assert made.labels[0, 0].tolist() == [0, 0, 10, 20]


def test_what_fits_is_left_and_what_does_not_is_refused() -> None:
    held = Samples(WIDE[None], None)
    assert fitted(held, (3, 10, 20), None) is held
    with pytest.raises(NotInDataSet, match=r"\[3, 10, 20\], the network takes \[3, 8, 8\].*preprocessing\.resize"):
        fitted(held, (3, 8, 8), None)


def test_numbers_colours_and_layout() -> None:
    how = Preprocessing(divisor=1, mean=(1, 2, 3), std=(1, 2, 4), colour="bgr", layout="nhwc")
    made = normalised(WIDE[None], how)
    assert made.shape == (1, 10, 20, 3)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made[0, ..., 0], WIDE[2] - 1)
    np.testing.assert_allclose(made[0, ..., 2], (WIDE[0] - 3) / 4)


def test_raw_pixels_of_bytes_are_what_the_host_preprocesses() -> None:
    form = Raw(layout="nhwc", dtype="uint8")
    pixels = np.full((1, 3, 2, 2), 127.5, np.float32)
    made = raw(pixels, form)
    assert (made.shape, made.dtype) == ((1, 2, 2, 3), np.uint8)
    host = normalised(pixels, Preprocessing(divisor=1, raw=form))
    np.testing.assert_array_equal(host, made.transpose(0, 3, 1, 2))
