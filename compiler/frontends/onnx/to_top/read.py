"""
ONNX to Top, one op a node: `origin.mlir`.

An op whose name, operand order and attribute names are ONNX's own needs no line anywhere; the others are in `convert`.
A node that no op stands for becomes a `top.Host` (`aside`).
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper
from xdsl.builder import Builder
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr, TensorType
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute
from xdsl.rewriter import InsertPoint
from xdsl.utils.exceptions import VerifyException

from compiler.dialects import structure
from compiler.dialects.host import StringType
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.errors import UnsupportedModel
from compiler.frontends.onnx.to_top import (
    convolution,
    elementwise,
    indexing,
    movement,
    norms,
    pool,
    products,
    quantised,
    reductions,
    regions,
    resize,
    sampling,
    unpool,
)
from compiler.frontends.onnx.to_top.aside import set_aside
from compiler.frontends.onnx.to_top.compose import COMPOSED
from compiler.frontends.onnx.to_top.convert import CONVERTERS, convert_by_name
from compiler.frontends.onnx.to_top.definition import definition
from compiler.frontends.onnx.to_top.reader import Reader, UnknownShape, Unsupported, as_held
from compiler.ir.network import Network, named
from compiler.ir.storage import FLOATS, element_of

FAMILIES = (
    convolution,
    elementwise,
    indexing,
    movement,
    norms,
    pool,
    products,
    quantised,
    reductions,
    regions,
    resize,
    sampling,
    unpool,
)
"""Converters in files of their own."""

KINDS = {kind.name.removeprefix("top."): kind for kind in top.Top.operations if issubclass(kind, top.TopOp)}
"""Top op classes by the ONNX op type they share a name with."""


def read(model: onnx.ModelProto, name: str) -> Network:
    """
    A static-shape model (see `prepare`) as a Top network called `name`.

    Results have no extents until shape inference. Every float is f32 here, whatever the model holds; bools are i1,
    integers keep their width. A tensor is called `<ONNX output>_<op type>`, an input as in ONNX; weights keep their
    names. Only initializers that an op uses become weights. Raises UnsupportedModel with every node that has no Top op
    and that onnxruntime doesn't run either.
    """
    graph = model.graph
    weights = {w.name: as_held(numpy_helper.to_array(w)) for w in graph.initializer}
    fed = [value for value in graph.input if value.name not in weights]
    main = FuncOp("main", ([_kind(value) for value in fed], []))
    module = ModuleOp([main], _attributes(), StringAttr(name))
    reader = Reader(Builder(InsertPoint.at_end(main.body.block)), Network(module, weights), model)
    for value, argument in zip(fed, main.args, strict=True):
        entry = structure.InputOp(operands=[argument], result_types=[argument.type])
        if declared := _declared(value):
            entry.declared = StringAttr(declared)
        reader.values[value.name] = reader.build.insert(named(entry, value.name)).output
    problems = list[tuple[str, str, str]]()
    for node in graph.node:
        try:
            _convert(reader, node)
        except (Unsupported, VerifyException) as error:
            if not (problems and isinstance(error, UnknownShape)):
                problems.append((node.name or node.output[0], node.op_type, str(error)))
            for output in node.output:
                reader.stand_in(output)
    if problems:
        raise UnsupportedModel(problems)
    returned = [reader.values[value.name] for value in graph.output]
    reader.build.insert(ReturnOp(*returned))
    main.update_function_type()
    if any(declared := [_declared(value) for value in graph.output]):
        module.attributes["module.declared_outputs"] = ArrayAttr(map(StringAttr, declared))
    return reader.network


def _kind(value: onnx.ValueInfoProto) -> TensorType[Attribute]:
    """The type of a network input."""
    kind = value.type.tensor_type
    held = helper.tensor_dtype_to_np_dtype(kind.elem_type)
    element = StringType() if held == np.object_ else element_of(held)
    return TensorType(element, [d.dim_value for d in kind.shape.dim])


def _declared(value: onnx.ValueInfoProto) -> str:
    """The float type that the model declares, where the network has f32 instead; else nothing."""
    held = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name
    return held if held in FLOATS and held != "float32" else ""


def _attributes() -> dict[str, Attribute]:
    return {
        "module.state": StringAttr("TOP_F32"),
        "module.chip": StringAttr("ALL"),
        "module.platform": StringAttr("ONNX"),
        "module.top_run_mode": StringAttr("STATIC"),
    }


def _convert(reader: Reader, node: onnx.NodeProto) -> None:
    """
    Append the node's ops, those of its definition, or one that the host runs, whichever there is first.

    Raises Unsupported or VerifyException: why there are none.
    """
    before = reader.build.insertion_point.block.last_op
    try:
        _on_chip(reader, node)
    except (Unsupported, VerifyException) as error:
        reader.forget(node, before)
        if not (parts := definition(reader, node)):
            set_aside(reader, node, str(error))
        for part in parts:
            _convert(reader, part)


def _on_chip(reader: Reader, node: onnx.NodeProto) -> None:
    for name in filter(None, (*node.input, *node.output)):
        if name in reader.types and reader.is_used(name):
            reader.element(name)
            if 0 in reader.shape(name) and name in node.output and not _copies_constant(reader, node):
                raise Unsupported(f"{name!r} has no elements")
    if node.domain not in ("", "ai.onnx"):
        raise Unsupported(f"it is of domain {node.domain!r}; only ONNX's own ops are understood")
    if converter := CONVERTERS.get(node.op_type) or COMPOSED.get(node.op_type):
        converter(reader, node)
    elif kind := KINDS.get(node.op_type):
        convert_by_name(reader, node, kind)
    else:
        raise Unsupported("there is no Top op for it")
    if missing := [name for name in node.output if reader.is_used(name) and name not in reader.values]:
        raise Unsupported(f"its output {missing[0]!r} is used; only the first output is there")


def _copies_constant(reader: Reader, node: onnx.NodeProto) -> bool:
    """Whether a node's result is a constant, as that of a graph's result is that doesn't depend on what is fed."""
    return node.op_type == "Identity" and node.input[0] in reader.network.weights
