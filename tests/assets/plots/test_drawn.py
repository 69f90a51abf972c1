"""The picture of each artifact: small, whole, and with what it is for in it."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageColor

from assets.figures import MAX_BYTES
from assets.flow import ABOUT
from assets.plots import (
    canvas,
    confusion,
    local_memory,
    memory_map,
    misjudged,
    roofline,
    similarity,
    spread,
    thresholds,
    timeline,
)
from assets.plots.canvas import COLOURS
from compiler.build.builder import Builder
from compiler.build.flow import Target
from compiler.build.keys import Code
from compiler.build.store import Store
from compiler.npz import write_npz
from compiler.stages import profile
from simulator.breakdown import broken_down
from simulator.concurrent import run_cores
from simulator.lifetimes import lifetimes
from simulator.profile import profile_of
from tests.offline_zoo import SEARCHED, OfflineZoo
from tests.simulator.two_cores import halves

BLUE, RED, GREEN, YELLOW = (ImageColor.getrgb(colour) for colour in COLOURS)
FIGURES = [(stage, figure.name, figure.module) for stage, about in ABOUT.items() for figure in about.figures]
Draw = Callable[[Mapping[str, Path]], bytes]


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """LeNet for the smallest chip, the directory of each of its artifacts."""
    root = tmp_path_factory.mktemp("plots")
    builder = Builder(Store(root / "build"), OfflineZoo(root / "zoo"), Code())
    records = builder.build(replace(builder.zoo.settings("lenet"), mix=SEARCHED), Target("e8", "mix"))
    return {stage: record.ref.path for stage, record in records.items()}


def pixels(data: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(data))
    assert image.format == "WEBP"
    return np.asarray(image.convert("RGB"))


def count(data: bytes, colour: tuple[int, ...]) -> int:
    return int((pixels(data) == np.array(colour)).all(2).sum())


@pytest.mark.parametrize(("stage", "name", "module"), FIGURES, ids=[name for _, name, _ in FIGURES])
def test_every_figure_is_drawn_small_and_legible(
    artifacts: dict[str, Path], stage: str, name: str, module: str
) -> None:
    data = import_module(module).draw({stage: artifacts[stage]})
    shown = pixels(data)
    assert len(data) <= MAX_BYTES
    assert 400 <= shown.shape[1] <= 640
    margins = np.concatenate([shown[:2].reshape(-1, 3), shown[-1:].reshape(-1, 3), shown[:, -2:].reshape(-1, 3)])
    assert (margins > 200).all(), f"{name} is cut off at an edge"
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 3


def compared(folder: Path, decibels: list[float], differing: int = -1, failed: int = -1) -> dict[str, Path]:
    names = [f"conv_{i}" for i in range(len(decibels))]
    rows = [
        {"later": "tpu", "tensor": n, "sqnr_db": d, "mismatched_bytes": 9} for n, d in zip(names, decibels, strict=True)
    ]
    rows += [
        {"later": "chip", "tensor": name, "sqnr_db": 200, "mismatched_bytes": int(i == differing)}
        for i, name in enumerate(names)
    ]
    with (folder / "comparison.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    words = [f"tpu {names[failed]!r}: sqnr_db 3, wanted at least 20"] if failed >= 0 else []
    (folder / "comparison.json").write_text(json.dumps({"failed": words}))
    return {"comparison": folder}


def test_a_tensor_that_differs_on_the_chip_or_fails_stands_out(tmp_path: Path) -> None:
    fine = similarity.draw(compared(tmp_path, [40.0, 35.0, 30.0]))
    assert count(fine, BLUE) > 1000
    assert count(fine, RED) == count(fine, YELLOW) == 0
    wrong = similarity.draw(compared(tmp_path, [40.0, 35.0, 30.0], differing=1))
    assert count(wrong, RED) > 1000
    short = similarity.draw(compared(tmp_path, [40.0, 35.0, 30.0], failed=2))
    assert count(short, YELLOW) > 1000
    assert count(short, RED) == 0


def test_two_hundred_tensors_below_zero_still_fit(tmp_path: Path) -> None:
    data = similarity.draw(compared(tmp_path, np.random.default_rng(0).uniform(-40, 60, 200).tolist()))
    assert len(data) <= MAX_BYTES


def scored(folder: Path, labels: list[int], answers: list[int], images: np.ndarray | None = None) -> dict[str, Path]:
    rows = [
        {"sample": i, "label": label, "chip": answer, "float": label}
        for i, (label, answer) in enumerate(zip(labels, answers, strict=True))
    ]
    told = {"metric": "top1", "samples": len(rows), "accuracy": 0.5, "accuracy_float": 1.0, "predictions": rows}
    (folder / "accuracy.json").write_text(json.dumps(told))
    wrong = np.array([row["sample"] for row in rows if row["label"] != row["chip"]], np.int64)
    if images is not None:
        write_npz(folder / "misjudged.npz", {"images": images, "samples": wrong[: len(images)]})
    return {"accuracy": folder}


def test_only_wrong_answers_are_red_in_the_confusion_matrix(tmp_path: Path) -> None:
    reds = [ImageColor.getrgb(shade) for shade in confusion.WRONG]
    right = confusion.draw(scored(tmp_path, [0, 1, 2, 2], [0, 1, 2, 2]))
    assert sum(count(right, red) for red in reds) == 0
    wrong = confusion.draw(scored(tmp_path, [0, 1, 2, 2], [0, 1, 2, 0]))
    assert sum(count(wrong, red) for red in reds) > 300


def test_a_thousand_classes_show_those_that_are_confused(tmp_path: Path) -> None:
    labels, answers = list(range(1000)), list(range(1000))
    answers[17], answers[400] = 18, 401
    data = confusion.draw(scored(tmp_path, labels, answers))
    assert len(data) <= MAX_BYTES
    assert sum(count(data, ImageColor.getrgb(shade)) for shade in confusion.WRONG) > 300


def test_labels_that_are_no_classes_give_an_empty_matrix(tmp_path: Path) -> None:
    folder = scored(tmp_path, [0], [0])
    told = json.loads((tmp_path / "accuracy.json").read_text())
    told["predictions"][0]["label"] = [3, 4]
    (tmp_path / "accuracy.json").write_text(json.dumps(told))
    assert count(confusion.draw(folder), BLUE) == 0


@pytest.mark.parametrize("shape", [(12, 28, 28), (12, 96, 96, 3), (12, 24, 96), (12, 96, 24)])
def test_noisy_examples_of_any_shape_fit(tmp_path: Path, shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    data = misjudged.draw(scored(tmp_path, [0] * 12, [1] * 12, noise))
    assert 1500 < len(data) <= MAX_BYTES


def test_no_mistake_is_said_in_words(tmp_path: Path) -> None:
    data = misjudged.draw(scored(tmp_path, [0, 1], [0, 1], np.zeros((0, 1, 1), np.uint8)))
    assert pixels(data).shape[0] < 40


def layer(name: str, macs: int, moved: int, cycles: int) -> dict[str, object]:
    return {
        "layer": name, "macs": macs, "weight_bytes": moved, "in_bytes": 0, "out_bytes": 0, "io_bytes": 0,
        "tiu_cycles": cycles, "gdma_cycles": cycles,
    }  # fmt: skip


def test_layers_are_coloured_by_the_roof_over_them(tmp_path: Path) -> None:
    layers = [layer("thin", 1000, 1000, 10), layer("thick", 100_000, 100, 10), layer("kept", 50_000, 0, 5)]
    told = {
        "roofs": {"macs_per_cycle": 16384, "bytes_per_cycle": 64.0}, "totals": {"mac_utilisation": 0.4},
        "layers": layers, "groups": [layer("whole", 101_000, 1100, 20)],
    }  # fmt: skip
    (tmp_path / "profile.json").write_text(json.dumps(told))
    shown = pixels(roofline.draw({"profile": tmp_path}))[: 230 - 42]
    red, blue = ((shown == np.array(colour)).all(2).nonzero()[1] for colour in (RED, BLUE))
    assert red.size
    assert blue.size
    assert red.max() < blue.min()
    assert (shown == np.array(GREEN)).all(2).sum() > 10, "the group's ring"
    told["layers"] = told["groups"] = []
    (tmp_path / "profile.json").write_text(json.dumps(told))
    assert len(roofline.draw({"profile": tmp_path})) < MAX_BYTES


def test_what_records_do_falls_into_the_parts_in_which_they_do_it() -> None:
    starts, ends = np.array([0, 150, 200]), np.array([100, 200, 400])
    edges = np.linspace(0, 400, 5)
    assert spread.shares(starts, ends, ends - starts, edges).tolist() == [100, 50, 100, 100]
    assert spread.shares(starts, ends, np.array([64, 0, 100]), edges).tolist() == [64, 0, 50, 50]
    assert spread.shares(starts[:0], ends[:0], ends[:0], edges).tolist() == [0, 0, 0, 0]


def test_a_part_shows_what_takes_most_of_it() -> None:
    starts, ends, kinds = np.array([0, 60, 100]), np.array([60, 100, 400]), np.array([5, 6, 5])
    edges = np.linspace(0, 400, 5)
    assert spread.longest(starts, ends, kinds, edges) == {5: [(0, 400)]}
    assert spread.longest(starts, ends, np.array([6, 6, 5]), edges) == {6: [(0, 100)], 5: [(100, 400)]}


def test_a_peak_between_two_parts_edges_is_kept() -> None:
    times, values = np.array([10, 20, 30, 250]), np.array([7, 100, 3, 0])
    assert spread.highest(times, values, np.linspace(0, 400, 5)).tolist() == [100, 3, 3, 0]


def test_a_run_of_two_cores_has_lanes_for_each(tmp_path: Path) -> None:
    made = halves()
    timelines = run_cores(made.cores, made.chip)
    costs = profile_of(made, timelines)
    parts = broken_down(made, timelines, costs.layers, {}, {}, 1, costs.rest)
    write_npz(tmp_path / "timeline.npz", profile.arrays(made, timelines, parts, lifetimes(made, timelines)))
    totals = {"cycles": costs.cycles, "cycles_over_bound": 1, "lane_bytes": made.chip.lane_bytes}
    told = {"totals": totals | {"tiu_busy": 0.5, "gdma_busy": 0.5}, "resources": parts.resources}
    (tmp_path / "profile.json").write_text(json.dumps(told | {"roofs": {"bytes_per_cycle": 26.7}}))
    both = timeline.picture(tmp_path, 640)
    busy = (both[:, :, None] == np.array([GREEN, RED])).all(-1).any((1, 2))
    assert (np.diff(busy.astype(int)) == 1).sum() >= 5
    assert timeline.picture(tmp_path, 1600).shape[:2] == (len(both), 1600)


def test_a_histogram_is_spread_over_the_range_that_was_seen() -> None:
    counts = np.zeros(64, np.uint32)
    counts[:32] = 100
    made = thresholds.density(counts, 2.0, 2.0)
    half = thresholds.ROWS // 2
    assert made[:half].min() == 1.0
    assert made[half:].max() == 0.0
    assert thresholds.density(counts, 2.0, 1.0).min() == 1.0


def test_a_view_is_counted_with_the_tensor_it_lies_in() -> None:
    held = np.array([[0, 2, 0, 100], [1, 3, 0, 100], [1, 3, 50, 20], [0, 3, 400, 8]])
    assert memory_map.covered(held) == 108


@pytest.mark.parametrize(
    ("limits", "labels"),
    [
        ((0, 100), ["0", "20", "40", "60", "80", "100"]),
        ((-0.5, 2.5), ["0", "1", "2"]),
        ((-0.5, 0.5), ["0"]),
        ((0, 16384), ["0", "5k", "10k", "15k"]),
        ((0, 2_400_000), ["0", "500k", "1M", "1.5M", "2M"]),
    ],
)
def test_ticks_are_round_numbers(limits: tuple[float, float], labels: list[str]) -> None:
    axis = canvas.axes("a title").xaxis
    axis.axes.set(xlim=limits)
    at = [tick for tick in axis.get_majorticklocs() if limits[0] <= tick <= limits[1]]
    assert axis.get_major_formatter().format_ticks(at) == labels


@pytest.mark.parametrize(("low", "high", "ticks"), [(0.5, 20_000, [1, 10, 100, 1000, 10_000]), (3, 40, [4, 8, 16, 32])])
def test_logarithmic_ticks_are_powers(low: float, high: float, ticks: list[float]) -> None:
    assert [tick for tick in roofline.powers(low, high).tick_values(low, high) if low <= tick <= high] == ticks


@pytest.mark.parametrize("shift", [0.25, 0.5, 0.75])
def test_words_are_as_crisp_between_pixels(shift: float) -> None:
    drawn: list[int] = []
    for at in (100, 100 + shift):
        with canvas.styled():
            axes = canvas.axes("")
            axes.set_axis_off()
            axes.text(at, at, "0.2, MACs", transform=None)
            drawn.append(int((canvas.pixels(axes) == np.array(ImageColor.getrgb(canvas.INK))).all(2).sum()))
    assert drawn[0] == drawn[1] > 50


def test_the_style_of_others_is_left_as_it_was(tmp_path: Path) -> None:
    similarity.draw(compared(tmp_path, [40.0]))
    assert {key: matplotlib.rcParams[key] for key in canvas.STYLE} == {
        key: matplotlib.rcParamsOrig[key] for key in canvas.STYLE
    }


def test_a_name_that_looks_like_a_formula_is_shown_as_it_is(tmp_path: Path) -> None:
    folder = compared(tmp_path, [40.0])["comparison"]
    listed = (folder / "comparison.csv").read_text()
    (folder / "comparison.csv").write_text(listed.replace("conv_0", "$conv_{$"))
    assert count(similarity.draw({"comparison": folder}), BLUE) > 1000


def empty_tables(folder: Path) -> dict[str, Path]:
    (folder / "local_memory.csv").write_text("begin,end,address,bytes,group,kind\n")
    (folder / "global_memory.csv").write_text("begin,end,address,bytes,kind\n0,1,0,64,weight\n")
    return {"lg_mlir": folder, "addr_mlir": folder}


@pytest.mark.parametrize("draw", [local_memory.draw, memory_map.draw], ids=["local_memory", "memory_map"])
def test_nothing_in_memory_is_drawn_as_nothing(tmp_path: Path, draw: Draw) -> None:
    above_legend = pixels(draw(empty_tables(tmp_path)))[: 230 - 42]
    assert not (above_legend == np.array(BLUE)).all(2).any()


def test_long_names_show_their_end() -> None:
    assert similarity.tail("a" * 50, 10) == "…" + "a" * 9
