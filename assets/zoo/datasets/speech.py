"""
A stream of speech, pauses and noise at 16 kHz, in frames of 32 ms, and whether somebody speaks.

Recordings of two speakers: Asterisk's prompts, and readings that PocketSphinx tests with. A frame is speech where the
clean recording is loud enough, short gaps included: a stand-in for what a listener would say. Between recordings there
are pauses, and over all there is noise of four kinds in turn.
"""

import io
import itertools
import wave
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.zoo.datasets.samples import NotInDataSet, Part, shuffled
from assets.zoo.packages import DebianPackage, matching

ASTERISK = DebianPackage(
    "asterisk-core-sounds-en-wav", "1.6.1-1", "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d"
)
POCKETSPHINX = DebianPackage(
    "pocketsphinx-testdata", "0.8+5prealpha+1-15", "eaeb7a01d54f20b799d1a81ef110ec544b2cb47ea006614078220737a33019f0"
)
FOLDERS = (
    (ASTERISK, "usr/share/asterisk/sounds/en_US_f_Allison/"),
    (POCKETSPHINX, "usr/share/pocketsphinx/test/data/"),
)
SEEDS: dict[Part, int] = {"calibration": 80, "evaluation": 81}
RATE, FRAME, BEFORE = 16_000, 512, 64
"""Samples a second, a frame, and of the last frame that the model sees again."""

SHORTEST = 1.0
"""Seconds of a recording that is used."""

LOUD, GAP = 0.05, 10
"""Part of the loudest frame's level that makes a frame speech, and frames of a pause that belongs to it."""

LEVEL = 0.1
"""Root mean square of the loudest frame."""

NOISES = (("white", 20), ("brown", 10), ("hum", 10), ("white", 5))
"""Kind and signal to noise in dB."""

Signal = NDArray[np.float32]


def values(part: Part, count: int, inputs: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[Any]]:
    """
    `count` frames with what came before (count, 576), a zero state for each run, and 1 where somebody speaks.

    Raises NotInDataSet, PackageUnavailable.
    """
    name, extents = next(iter(inputs.items()))
    if extents[1:] != (BEFORE + FRAME,):
        raise NotInDataSet(f"speech has frames of [{BEFORE + FRAME}], the model takes {list(extents[1:])}")
    pieces, labels, frames = list[Signal](), list[NDArray[np.bool_]](), 0
    for signal, spoken in _pieces(part):
        pieces.append(signal)
        labels.append(spoken)
        frames += len(spoken)
        if frames >= count:
            break
    stream = np.concatenate([np.zeros(BEFORE, np.float32), *pieces])
    windows = np.lib.stride_tricks.sliding_window_view(stream, BEFORE + FRAME)[: count * FRAME : FRAME]
    runs = count // extents[0]
    states = {key: np.zeros((runs * shape[0], *shape[1:]), np.float32) for key, shape in inputs.items() if key != name}
    return {name: windows.copy(), **states, "labels": np.concatenate(labels)[:count].astype(np.int64)}


def _pieces(part: Part) -> Iterator[tuple[Signal, NDArray[np.bool_]]]:
    """A recording and a pause with noise, over and over, and which frames are speech."""
    generator = np.random.default_rng(SEEDS[part])
    held = _recordings()[0 if part == "calibration" else 1 :: 2]
    rounds = (shuffled(held, number) for number in itertools.count())
    recordings = itertools.chain.from_iterable(rounds)
    for content, (kind, ratio) in zip(recordings, itertools.cycle(NOISES), strict=False):
        clean = _decoded(content)
        clean = clean[: len(clean) // FRAME * FRAME]
        levels = np.sqrt((clean.reshape(-1, FRAME) ** 2).mean(1))
        pause = int(generator.integers(30, 80))
        signal = np.concatenate([clean / levels.max() * LEVEL, np.zeros(pause * FRAME, np.float32)])
        label = np.concatenate([_filled(levels > LOUD * levels.max()), np.zeros(pause, bool)])
        level = np.sqrt((signal.reshape(-1, FRAME)[label] ** 2).mean())
        noise = _noise(generator, kind, len(signal)) * level * 10 ** (-ratio / 20)
        yield (signal + noise).astype(np.float32), label


def _filled(spoken: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same with short pauses as speech."""
    made, at = spoken.copy(), np.flatnonzero(spoken)
    for start, stop in itertools.pairwise(at.tolist()):
        if stop - start <= GAP:
            made[start:stop] = True
    return made


def _noise(generator: np.random.Generator, kind: str, count: int) -> NDArray[np.float64]:
    """Noise of root mean square 1: white, brown without what is slower than an eighth of a second, or mains hum."""
    made = generator.standard_normal(count)
    if kind == "brown":
        walk = np.concatenate([[0.0], np.cumsum(np.cumsum(made))])
        width = RATE // 8
        mean = (walk[width:] - walk[:-width]) / width
        made = np.cumsum(made) - np.pad(mean, (width // 2, count - len(mean) - width // 2), "edge")
    elif kind == "hum":
        time = np.arange(count) / RATE
        made = np.sin(100 * np.pi * time) + 0.5 * np.sin(200 * np.pi * time) + 0.2 * made
    return made / np.sqrt((made**2).mean())


@cache
def _recordings() -> list[bytes]:
    """The files of all recordings that are long enough."""
    held = [content for package, folder in FOLDERS for content in matching(package, folder, ".wav").values()]
    return [content for content in held if _seconds(content) >= SHORTEST]


def _seconds(content: bytes) -> float:
    with wave.open(io.BytesIO(content)) as sound:
        return sound.getnframes() / sound.getframerate()


def _decoded(content: bytes) -> Signal:
    with wave.open(io.BytesIO(content)) as sound:
        held = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.float64) / 32768
        rate = sound.getframerate()
    return held.astype(np.float32) if rate == RATE else _resampled(held, round(len(held) * RATE / rate))


def _resampled(signal: NDArray[np.float64], count: int) -> Signal:
    """As many numbers as asked for with the same spectrum, as far as it goes."""
    spectrum = np.fft.rfft(signal)
    return (np.fft.irfft(spectrum[: count // 2 + 1], count) * (count / len(signal))).astype(np.float32)
