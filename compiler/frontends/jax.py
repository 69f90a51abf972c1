"""JAX: a function of arrays in a Python file, by jax2onnx."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from compiler.frontends.foreign import OPSET, Converted, Foreign, package
from compiler.frontends.python_file import check, named, stated_inputs


def convert(source: Foreign) -> Converted:
    """The function that `entry` names, traced on its inputs. Raises MissingPackages, NotTrusted, NotConverted."""
    check(source)
    jax: Any = package("jax", "jax")
    jax2onnx: Any = package("jax2onnx", "jax")
    function, inputs = named(source), stated_inputs(source)
    specs = [jax.ShapeDtypeStruct(tuple(extents), np.float32) for extents in inputs.values()]
    proto: onnx.ModelProto = jax2onnx.to_onnx(function, specs, input_names=[*inputs], opset=OPSET + 3)
    return Converted(proto, lambda feeds: _run(jax, function, [feeds[name] for name in inputs]))


def _run(jax: Any, function: Any, arrays: list[Any]) -> list[Any]:
    return [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(jax.jit(function)(*arrays))]
