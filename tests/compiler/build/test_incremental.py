"""The toy compiler rebuilt after edits, each time in a fresh process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from compiler.build import hashes
from compiler.build.collect import collect
from compiler.build.store import Store
from tests.compiler.build import toy

REPOSITORY = Path(__file__).parents[3]
STAGES = ["origin", "canonical", "cali", "lower", "group", "codegen"]


class Project:
    """A toy compiler in a folder, with a store beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        toy.write(root)

    def start(self, action: str, target: str, **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.compiler.build.toy", str(self.root), action, target]
        known = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}
        return subprocess.Popen(
            command, env=known, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def finish(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        return json.loads(out)

    def build(self, target: str = "x64-int8", **environment: str) -> dict[str, Any]:
        return self.finish(self.start("build", target, **environment))

    def ran(self, target: str = "x64-int8", **environment: str) -> list[str]:
        return self.build(target, **environment)["ran"]

    def plan(self, target: str = "x64-int8", **environment: str) -> dict[str, tuple[str, str]]:
        """Action and reason of each stage that a build would touch."""
        steps = self.finish(self.start("plan", target, **environment))["steps"]
        return {stage: (action, reason) for stage, action, reason in steps if action != "nothing"}

    def edit(self, file: str, before: str, after: str) -> None:
        path = self.root / "toy" / file
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def built(project: Project) -> Project:
    project.build()
    return project


def test_the_second_build_runs_nothing_and_tells_the_same(project: Project) -> None:
    first, second = project.build(), project.build()
    assert first["ran"] == STAGES
    assert second["ran"] == []
    assert second["objects"] == first["objects"]
    assert second["metadata"] == first["metadata"]
    assert project.plan() == {}


def test_targets_share_what_does_not_depend_on_them(built: Project) -> None:
    assert built.ran("e8-int8") == ["group", "codegen"]
    assert built.ran("x64-f32") == ["lower", "group", "codegen"]


def test_an_edited_pass_reruns_only_what_reaches_it(built: Project) -> None:
    built.edit("schedule/groups.py", " groups", " GROUPS")
    plan = built.plan()
    assert list(plan) == ["group", "codegen"]
    assert plan["group"][0] == "run"
    assert "file toy/schedule/groups.py" in plan["group"][1]
    assert plan["codegen"] == ("maybe", "after group")
    assert built.ran() == ["group", "codegen"]


def test_an_equal_result_cuts_off_what_follows(built: Project) -> None:
    built.edit("passes/fuse.py", "def fuse", "# a comment\ndef fuse")
    assert built.ran() == ["canonical"]
    assert built.plan() == {}


def test_going_back_only_points_back(built: Project) -> None:
    built.edit("schedule/groups.py", " groups", " GROUPS")
    built.build()
    built.edit("schedule/groups.py", " GROUPS", " groups")
    plan = built.plan()
    assert {stage: action for stage, (action, _) in plan.items()} == {"group": "re-point", "codegen": "re-point"}
    assert plan["group"][1].startswith("the partition shows another version: file toy/schedule/groups.py: ")
    assert plan["codegen"][1].startswith("the partition shows another version: input group: ")
    assert built.ran() == []
    assert built.plan() == {}
    assert "groups" in (built.root / "store/toy/x64-int8/lg.txt").read_text()


def test_a_data_file_beside_a_module_is_code(built: Project) -> None:
    built.build("e8-int8")
    built.edit("chips/presets.toml", "e8 = 8", "e8 = 16")
    assert "presets.toml" in built.plan()["group"][1]
    assert built.ran() == ["group"]
    assert built.ran("e8-int8") == ["group", "codegen"]


def test_a_parents_init_is_code(built: Project) -> None:
    (built.root / "toy/schedule/__init__.py").write_text("X = 1\n")
    plan = built.plan()
    assert list(plan) == ["group", "codegen"]
    assert "toy/schedule/__init__.py" in plan["group"][1]


def test_calibration_touches_no_float_target(built: Project) -> None:
    built.build("x64-f32")
    assert "parameter method: kl → max" in built.plan(CALIBRATION="max")["cali"][1]
    assert built.ran(CALIBRATION="max") == ["cali", "lower", "group", "codegen"]
    assert built.plan("x64-f32", CALIBRATION="max") == {}


def test_an_experiment_is_shown_until_the_standing_parameters_are_built_again(built: Project) -> None:
    objects = built.build()["objects"]
    built.build(CALIBRATION="max")
    action, reason = built.plan()["cali"]
    assert action == "re-point"
    assert reason == "the partition shows another version: parameter method: max → kl"
    again = built.build()
    assert again["ran"] == []
    assert again["objects"] == objects
    assert (built.root / "store/toy/x64-int8/cali.txt").read_text() == "thresholds kl"


def test_a_target_built_for_the_first_time_is_held_against_the_one_most_like_it(built: Project) -> None:
    built.build("x64-f32")
    plan = built.plan("e8-f32")
    assert plan["origin"] == ("re-point", "made before, not yet shown here")
    assert plan["group"] == ("run", "never built for this target; since x64-f32: parameter chip: x64 → e8")
    (built.root / "store/.store/refs/toy/x64-f32.json").unlink()
    (built.root / "store/.store/refs/toy/x64-int8.json").unlink()
    assert built.plan("e8-f32")["group"] == ("run", "never built")


def test_files_that_were_not_fetched_are_not_fetched_by_a_plan(project: Project) -> None:
    (project.root / "model").rename(project.root / "elsewhere")
    plan = project.plan()
    assert plan["origin"] == ("run", "its files have not been fetched")
    assert plan["canonical"] == ("maybe", "after origin")
    assert not (project.root / "model").exists()


def test_a_changed_source_is_named(built: Project) -> None:
    (built.root / "model/model.txt").write_text("resnet")
    assert "input model_file" in built.plan()["origin"][1]


def test_a_plan_is_quick(built: Project) -> None:
    seconds = built.finish(built.start("plan", "x64-int8"))["seconds"]
    assert seconds < 0.05


def test_two_at_once_make_a_thing_once(project: Project) -> None:
    project.edit("stages/cali.py", "sleep(0.0)", "sleep(1.0)")
    processes = [project.start("build", target) for target in ("x64-int8", "e8-int8")]
    results = [project.finish(process) for process in processes]
    assert sorted("cali" in result["ran"] for result in results) == [False, True]
    assert results[0]["objects"]["lower"] == results[1]["objects"]["lower"]


def test_two_builds_of_one_partition_at_once_give_the_same(project: Project) -> None:
    project.edit("stages/cali.py", "sleep(0.0)", "sleep(0.5)")
    processes = [project.start("build", "x64-int8") for _ in range(2)]
    results = [project.finish(process) for process in processes]
    assert sorted(len(result["ran"]) for result in results) == [0, len(STAGES)]
    assert results[0]["objects"] == results[1]["objects"]
    assert project.plan() == {}


@pytest.mark.parametrize("stage", STAGES)
def test_a_build_killed_in_any_stage_leaves_only_whole_objects(project: Project, stage: str) -> None:
    hang = "    (out / 'half').write_text('x')\n    __import__('time').sleep(60)\n"
    project.edit(f"stages/{stage}.py", "    (out /", f"{hang}    (out /")
    process = project.start("build", "x64-int8")
    deadline = time.monotonic() + 30
    while not list((project.root / "store/.store/tmp").glob("*/object/half")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before, due = STAGES[: STAGES.index(stage)], STAGES[STAGES.index(stage) :]
    objects = list((project.root / "store/.store/cas").iterdir())
    assert len(objects) == len(before)
    assert all(hashes.of_directory(path) == path.name for path in objects)
    assert list(Store(project.root / "store").refs("toy/x64-int8")) == before
    project.edit(f"stages/{stage}.py", hang, "")
    assert list(project.plan()) == due
    assert project.ran() == due
    assert project.plan() == {}
    assert collect(Store(project.root / "store"), verify=True).objects == 0
    assert not list((project.root / "store/.store/tmp").iterdir())


def test_a_failing_stage_changes_nothing(built: Project) -> None:
    shown = (built.root / "store/toy/x64-int8/lg.txt").read_text()
    built.edit(
        "schedule/groups.py", "def divide(chip):", "def divide(chip):\n    raise ValueError('no room')\ndef old(chip):"
    )
    process = built.start("build", "x64-int8")
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "toy/x64-int8, stage group: no room" in errors
    assert (built.root / "store/toy/x64-int8/lg.txt").read_text() == shown
    assert not list(Store(built.root / "store").inner.joinpath("tmp").iterdir())


def test_an_edit_under_a_running_process_is_refused(built: Project) -> None:
    built.edit("stages/group.py", "from toy", "open(__file__, 'a').write('# edited while running')\nfrom toy")
    process = built.start("build", "x64-int8")
    _, errors = process.communicate(timeout=60)
    assert "toy/stages/group.py was edited after this process read it" in errors
