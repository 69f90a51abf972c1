import numpy as np

from compiler.quantization.chance import is_gain


def test_what_samples_dont_agree_on_is_no_gain() -> None:
    assert not is_gain(np.array([3.0, -2.0, 2.5, -2.4]), 1.0, 0.1)
    assert is_gain(np.array([1.0, 1.2, 0.8, 1.1]), 2.0, 0.1)


def test_a_gain_is_worth_something() -> None:
    assert not is_gain(np.array([0.01, 0.012, 0.011]), 1.0, 0.1)


def test_the_surer_the_more_has_to_agree() -> None:
    gains = np.array([2.0, 0.1, 0.3, 1.6])
    assert is_gain(gains, 1.0, 0.1)
    assert not is_gain(gains, 3.0, 0.1)


def test_one_sample_counts_as_it_is() -> None:
    assert is_gain(np.array([0.2]), 2.0, 0.1)
    assert not is_gain(np.array([0.05]), 2.0, 0.1)
