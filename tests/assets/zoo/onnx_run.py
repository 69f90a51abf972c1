"""onnxruntime with numpy's types."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import onnxruntime as ort
from numpy.typing import NDArray


def outputs(session: ort.InferenceSession, names: Sequence[str] | None, feeds: Mapping[str, Any]) -> list[NDArray[Any]]:
    """`session.run`, whose tensors are arrays."""
    return cast("list[NDArray[Any]]", session.run(names, dict(feeds)))
