"""
The code location of the cluster's machines: the real definitions over two offline models.

`$OFFLINE_ZOO` names the models' folder.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg

from assets.workshop import Workshop
from compiler.build.flow import Settings
from pipeline.definitions import over
from tests.offline_zoo import OfflineZoo

MODELS = ("first", "second")
TARGETS = ("e8-int8", "x64-f32")


class TwoModels:
    """The offline model under two names."""

    def __init__(self, root: Path) -> None:
        self._zoo = OfflineZoo(root)

    def names(self) -> Sequence[str]:
        """Both models."""
        return MODELS

    def settings(self, model: str) -> Settings:
        """The parameters of either."""
        return self._zoo.settings(model)

    def files(self, model: str) -> Mapping[str, Path]:
        """The directories of either."""
        return self._zoo.files(model)

    def present(self, model: str) -> bool:
        """Always: they were made with the zoo."""
        return self._zoo.present(model)


defs = (
    over(Workshop(zoo=TwoModels(Path(os.environ["OFFLINE_ZOO"])))) if "OFFLINE_ZOO" in os.environ else dg.Definitions()
)
