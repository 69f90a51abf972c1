"""
ONNX to Top, one op a node: `origin.mlir`.

An op whose name, operand order and attribute names are ONNX's own needs no line anywhere; the others are in `convert`.
"""

from __future__ import annotations

import onnx
from onnx import numpy_helper
from xdsl.builder import Builder
from xdsl.dialects.builtin import ModuleOp, StringAttr, TensorType, f32
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute
from xdsl.rewriter import InsertPoint
from xdsl.utils.exceptions import VerifyException

from compiler.dialects import structure
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.compose import COMPOSED
from compiler.frontends.onnx.convert import CONVERTERS, convert_by_name
from compiler.frontends.onnx.errors import UnsupportedModel
from compiler.frontends.onnx.reader import Reader, UnknownShape, Unsupported
from compiler.ir.network import Network, named

KINDS = {kind.name.removeprefix("top."): kind for kind in top.Top.operations if issubclass(kind, top.TopOp)}
"""Top op classes by the ONNX op type they share a name with."""


def read(model: onnx.ModelProto, name: str) -> Network:
    """
    A static-shape model (see `prepare`) as a Top network called `name`.

    Results are `tensor<*xf32>` until shape inference. A tensor is called `<ONNX output>_<op type>`, an input as in
    ONNX; weights keep their names. Only initializers that an op uses become weights. Raises UnsupportedModel with every
    node that has no Top op.
    """
    graph = model.graph
    weights = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
    fed = [value for value in graph.input if value.name not in weights]
    kinds = [TensorType(f32, [d.dim_value for d in v.type.tensor_type.shape.dim]) for v in fed]
    main = FuncOp("main", (kinds, []))
    module = ModuleOp([main], _attributes(), StringAttr(name))
    reader = Reader(Builder(InsertPoint.at_end(main.body.block)), Network(module, weights), model)
    problems = [(v.name, "Input", reader.not_float(v.name)) for v in fed if reader.not_float(v.name)]
    for value, argument, kind in zip(fed, main.args, kinds, strict=True):
        entry = structure.InputOp(operands=[argument], result_types=[kind])
        reader.values[value.name] = reader.build.insert(named(entry, value.name)).output
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
    return reader.network


def _attributes() -> dict[str, Attribute]:
    return {
        "module.state": StringAttr("TOP_F32"),
        "module.chip": StringAttr("ALL"),
        "module.platform": StringAttr("ONNX"),
        "module.top_run_mode": StringAttr("STATIC"),
    }


def _convert(reader: Reader, node: onnx.NodeProto) -> None:
    """Append the node's op. Raises Unsupported or VerifyException, which say why there is none."""
    for name in node.output:
        if wrong := reader.not_float(name):
            raise Unsupported(wrong)
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
