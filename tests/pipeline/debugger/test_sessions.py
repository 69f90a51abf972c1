"""`tpuflow debug` as typed: sessions of `docs/debugger.md` come out as printed there; exit codes say what was found."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from compiler.npz import write_npz
from compiler.results import Results
from pipeline.cli import app
from pipeline.debugger.shell import COMMANDS
from tests.simulator.debugger.compiled import built

PAGE = Path(__file__).parents[3] / "docs" / "debugger.md"
SESSION = re.compile(r"(?<=```console\n)\$ tpuflow (?P<words>debug .*)\n(?P<said>[^`]*)(?=```)")
PROMPT = "(tpuflow) "


def tpuflow(words: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, words.split(), input=typed)


def test_sessions_of_the_page_come_out_as_printed(offline: Path, update_golden: bool) -> None:
    """Lines after the prompt are typed anew."""

    def anew(session: re.Match[str]) -> str:
        typed = [line.removeprefix(PROMPT) for line in session["said"].splitlines() if line.startswith(PROMPT)]
        result = tpuflow(session["words"], "\n".join(typed))
        assert "Traceback" not in result.output
        return f"$ tpuflow {session['words']}\n{result.stdout}"

    page = PAGE.read_text()
    made, count = SESSION.subn(anew, page)
    assert count > 1
    if update_golden:
        PAGE.write_text(made)
    assert made == page


def test_a_script_that_finds_nothing_wrong_is_a_success(tmp_path: Path) -> None:
    made = built("two cores")
    words = f"debug {made.folder}/sample.model -i {made.folder}/evaluation.npz --against {made.folder}/tpu_results.npz"
    result = tpuflow(f"{words} -c continue -c compare -c check")
    assert result.exit_code == 0, result.output
    assert "x32 INT8: 2 cores, " in result.stdout
    assert f"{len(made.wanted)} of {len(made.wanted)} tensors agree" in result.stdout
    (tmp_path / "script").write_text("# to the end\ncontinue\nprint y\n")
    again = tpuflow(f"{words} -x {tmp_path}/script")
    assert again.exit_code == 0
    assert "1,936 of 1,936 elements finished" in again.stdout
    assert "nonsense" in tpuflow(words, "nonsense\nstep\n").stdout
    assert tpuflow(words, "nonsense\nstep\n").exit_code == 1
    assert tpuflow(words, "quit\nnonsense\n").exit_code == 0


def test_answers_as_json() -> None:
    model = f"{built('one core').folder}/sample.model"
    told = json.loads(tpuflow(f"debug {model} --json", "step 2\nnonsense\n").stdout)
    assert told["begun"][1] == "fed noise; --input gives it data"
    assert [answer["command"] for answer in told["answers"]] == ["step 2", "nonsense"]
    assert told["answers"][0]["answer"][0].startswith("2 of ")
    assert (told["done"], told["faults"]) == (2, [])


def test_a_script_that_finds_a_difference_is_a_failure(tmp_path: Path) -> None:
    made = built("one core")
    wanted = Results.load(made.folder, "tpu_results").arrays
    name = list(wanted)[-1]
    wanted[name] = wanted[name].copy()
    wanted[name][1, 0, 0, 5] ^= 3
    write_npz(tmp_path / "wrong.npz", wanted)
    words = f"debug {made.folder}/sample.model -i {made.folder}/evaluation.npz --against {tmp_path}/wrong.npz"
    result = tpuflow(f"{words} -c continue")
    assert result.exit_code == 1
    assert re.search(rf"mismatch after TIU \d+: tensor {name!r} differs in 1 of", result.stdout)
    assert "first at [1,0,0,5]: expected" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("debug nowhere.model", "there is no file nowhere.model; for a model of the zoo, name a target too"),
        ("debug {model} -i {folder}/evaluation.npz --sample 99", "samples, counted from 0; no sample 99"),
        ("debug {model} -i {folder}/tpu_weights.npz", "has no data for input x"),
        ("debug {model} --against {folder}/tpu_weights.npz", "no tensor of the model is in these results"),
    ],
)
def test_what_a_session_cannot_begin_with(words: str, message: str) -> None:
    folder = built("one core").folder
    result = tpuflow(words.format(model=folder / "sample.model", folder=folder))
    assert result.exit_code == 1
    assert message in result.stderr


def test_without_data_there_is_noise() -> None:
    result = tpuflow(f"debug {built('hosted').folder}/sample.model -c continue -c 'print'")
    assert "fed noise; --input gives it data" in result.stdout
    assert "the run is at its end" in result.stdout


def test_wrong_feeds_are_told_at_once(tmp_path: Path) -> None:
    made = built("one core")
    write_npz(tmp_path / "other.npz", {"x": np.ones((2, 8, 12, 12), np.float32)})
    results = f"{made.folder}/tpu_results.npz"
    result = tpuflow(f"debug {made.folder}/sample.model -i {tmp_path}/other.npz --against {results} -c where")
    assert result.exit_code == 1
    assert "tensor 'x' differs in" in result.stdout


def test_the_page_lists_every_command(update_golden: bool) -> None:
    """As `help` has them."""
    rows = ["| command | | |", "|---|---|---|"]
    for command in COMMANDS.values():
        names = ", ".join(f"`{name}`" for name in (command.name, *command.aliases))
        usage = f"`{command.usage.replace('|', chr(92) + '|')}`" if command.usage else ""
        rows.append(f"| {names} | {usage} | {command.about.replace('|', chr(92) + '|')} |")
    page = PAGE.read_text()
    made = re.sub(r"(?<=<!-- commands -->\n)[^<]*(?=<!-- end -->)", lambda _: "\n".join(rows) + "\n", page)
    if update_golden:
        PAGE.write_text(made)
    assert made == page
