"""`tpuflow run`: a `sample.model` on the simulated chip. It imports no more than it needs, to begin at once."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.npz import read_npz, write_npz
from simulator.checks.finding import Faulty, Finding
from simulator.runtime import PyRuntime


class BadInput(ValueError):
    """A file of inputs lacks one that the model needs; the message names both."""


def run(model: Path, feeds: Path, output: Path | None, raw: bool, checked: bool, against: Path | None) -> bool:
    """
    Run a model on the arrays of an `.npz` by input name; print the outputs' first values, or write them all.

    With results to hold it `against`, print the first mismatch in place of values; if `checked`, what the checks find
    too. Whether there is nothing to find fault with.
    """
    held = read_npz(feeds)
    try:
        session = PyRuntime(model, checked=checked, collect=True)
        wanted = [entry.name for entry in session.get_inputs()]
        if missing := [name for name in wanted if name not in held]:
            raise BadInput(f"{feeds} has no {', '.join(missing)}; it holds {', '.join(held) or 'nothing'}")
        given = {name: held[name] for name in wanted}
        if against is not None:
            same = _hold(session, given, against)
            print_findings(session.findings)
            return same and not session.findings
        names = [entry.name for entry in session.get_outputs()]
        results = dict(zip(names, session.run(None, given, raw=raw), strict=True))
    except Faulty as error:
        print_findings(error.findings)
        return False
    if output is not None:
        write_npz(output, results)
    _show(results)
    print_findings(session.findings)
    return not session.findings


def print_findings(findings: Iterable[Finding]) -> None:
    """A line each, as it is, whatever the width of the terminal."""
    for finding in findings:
        print(finding)


def _hold(session: PyRuntime, feeds: Mapping[str, NDArray[Any]], against: Path) -> bool:
    first = session.first_mismatch(feeds, read_npz(against))
    print(first or f"every tensor that {against.name} has is the same")
    return first is None


def _show(results: Mapping[str, NDArray[Any]]) -> None:
    from pipeline.display import CONSOLE, table

    rows = [
        {
            "output": name,
            "shape": "×".join(map(str, array.shape)),
            "type": str(array.dtype),
            "first values": np.array2string(array.ravel()[:8], precision=4, separator=" "),
        }
        for name, array in results.items()
    ]
    CONSOLE.print(table(rows))
