"""What a bench says while it runs."""

import pytest

from pipeline.bench.report import Row
from pipeline.bench.status import telling

LONG = "a case whose name fills lines " * 9


def test_rows_are_told_before_those_after_them_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    def measured():
        yield Row(f"lenet/x64-int8 [1] {LONG}", "ratio", 0.5, "1")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), telling() as told:
        list(told.each(measured()))
    assert f"lenet/x64-int8 [1] {LONG}  ratio  0.5 1" in capsys.readouterr().err
