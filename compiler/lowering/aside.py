"""An op that no rule lowers, made an op of the host: the ONNX nodes that compute it, as a model of their own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.rewriter import Rewriter

from compiler.dialects.host import HostOp, StringType, is_dynamic
from compiler.dialects.quant import CalibratedType
from compiler.dialects.structure import InputOp, WeightOp, only_on_host
from compiler.dialects.top.base import TopOp, is_present
from compiler.frontends.onnx.from_top.write import write_part
from compiler.ir.interface import Unanswered
from compiler.ir.network import Network, name_of, named, shape, tensor
from compiler.lowering.integers import chip_element
from compiler.lowering.job import Job
from simulator.onnx_host import HostFault, HostModel

Types = Mapping[str, TensorType[Attribute]]
"""The type that each tensor has in Top, by name."""


def types_of(network: Network) -> Types:
    """The types of a network's tensors, calibrated ones as the floats that they are."""
    tensors = (value for op in network.ops for value in op.results if isinstance(value.type, TensorType))
    return {name_of(value): _plain(tensor(value)) for value in tensors}


def set_aside(op: TopOp, job: Job, types: Types, reason: str) -> None:
    """
    Replace an op that the chip can't run, for `reason`, by one of the host, its operands as they are lowered.

    Raises Unlowerable where the host doesn't run it either.
    """
    fed = list(dict.fromkeys(v for v in op.operands if is_present(v) and not isinstance(v.owner, WeightOp)))
    copy = _as_in_top(op, types)
    stand_ins = dict(zip(op.operands, copy.operands, strict=True))
    try:
        model = write_part([copy], job.network.weights, [stand_ins[value] for value in fed])
        kind = ", ".join(dict.fromkeys(node.op_type for node in model.graph.node))
        HostModel(data := model.SerializeToString(), job.name, kind)
    except (Unanswered, HostFault) as error:
        raise job.refusal(f"{reason}; nor does the host run it: {error}") from None
    entry = f"{job.name}_onnx"
    while entry in job.network.weights:
        entry += "_"
    job.network.weights[entry] = np.frombuffer(data, np.uint8)
    made = HostOp.of(fed, [(job.name, _held(op.output, job))], kind, entry, reason, copy.macs())
    Rewriter.replace_op(op, named(made, job.name))


def hold(op: HostOp, job: Job) -> None:
    """Give the results of an op of the host the storage types that the chip would read."""
    for value in op.outputs:
        Rewriter.replace_value_with_new_type(value, _held(value, job))


def keep_on_host(network: Network, types: Types) -> None:
    """What only the host touches keeps the type it has in Top, so that it passes untouched."""
    for op in network.ops:
        values = op.results if isinstance(op, InputOp | HostOp) else ()
        for value in (value for value in values if only_on_host(value)):
            Rewriter.replace_value_with_new_type(value, types[name_of(value)])
            if isinstance(op, InputOp):
                Rewriter.replace_value_with_new_type(op.input, types[name_of(value)])


def _held(value: SSAValue, job: Job) -> Attribute:
    """The type of a host op's result where the chip reads it; unchanged if the chip can't."""
    element = tensor(value).element_type
    if is_dynamic(value) or isinstance(element, StringType):
        return value.type
    return TensorType(chip_element(element) or job.scales.get(name_of(value), job.element), shape(value))


def _as_in_top(op: TopOp, types: Types) -> TopOp:
    """A copy of an op, on operands that stand for its own before they were lowered."""
    mapped = dict[SSAValue, SSAValue]()
    for value in op.operands:
        if not is_present(value):
            mapped[value] = value
        elif isinstance(value.owner, WeightOp):
            mapped[value] = named(value.owner.clone(), name_of(value)).output
        else:
            entry = InputOp.create(result_types=[types[name_of(value)]])
            mapped[value] = named(entry, name_of(value)).output
    copy = op.clone(mapped)
    for i, value in enumerate(op.operands):
        assert copy.operands[i] is mapped[value], value
    return named(copy, name_of(op))


def _plain(kind: TensorType[Attribute]) -> TensorType[Attribute]:
    element = kind.element_type
    return TensorType(element.expressed, kind.get_shape()) if isinstance(element, CalibratedType) else kind
