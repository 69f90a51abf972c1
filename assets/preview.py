"""The one place that accepts Dagster's unfinished features: partitioned checks and observed sources."""

import contextlib
import warnings
from collections.abc import Generator

import dagster as dg


@contextlib.contextmanager
def accepted() -> Generator[None]:
    """Define with preview and beta features, without their warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield
