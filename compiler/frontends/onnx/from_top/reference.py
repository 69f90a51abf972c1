"""Top results: a network run by onnxruntime, its own ops written to ONNX, those of the host by the models they have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation

from compiler.dialects import structure
from compiler.dialects.host import HostOp
from compiler.frontends.onnx.from_top.write import names_of, write_part
from compiler.frontends.onnx.session import Session
from compiler.ir.network import Array, Network, Shape, name_of, shape
from compiler.ir.storage import storage
from simulator.onnx_host import Form, HostModel

Step = Callable[[dict[str, Array]], None]
"""Adds to the tensors there are, by name, those that it makes."""


class Reference:
    """
    A ranked network ready to run in float.

    `threads` of one operator; 0 leaves it to onnxruntime. `hidden` tensors aren't asked for. With `sums` there is,
    beside what a contraction makes, what goes into its Relu, as `before_relu` names it. `inputs` are the extents of
    what is fed. Raises Unanswered for an op that isn't Top's, HostFault for one of the host that onnxruntime refuses.
    """

    def __init__(self, network: Network, threads: int = 0, hidden: Collection[str] = (), sums: bool = False) -> None:
        entries = [op.output for op in network.ops if isinstance(op, structure.InputOp)]
        self.inputs: dict[str, Shape] = {name_of(value): shape(value) for value in entries}
        self._weights = {name_of(op): network.weights[name_of(op)] for op in network.ops if _is_weight(op)}
        self._kinds = {name_of(value): storage(value) for value in entries}
        self._steps = [self._step(part, network, threads, hidden, sums) for part in _parts(network)]
        made = [name for op in network.ops if _computes(op) for value in op.results for name in names_of(value, sums)]
        self._made = [name for name in made if name not in hidden]

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Every tensor that the network computes, by name in order, of feeds in the network's types or the model's."""
        tensors = {name: feeds[name].astype(kind, copy=False) for name, kind in self._kinds.items()}
        for step in self._steps:
            step(tensors)
        return {name: tensors[name] for name in self._made}

    def _step(
        self, part: Sequence[Operation], network: Network, threads: int, hidden: Collection[str], sums: bool
    ) -> Step:
        match part:
            case [HostOp() as op]:
                return self._host(op, network)
            case _:
                return _session(part, network, threads, hidden, sums)

    def _host(self, op: HostOp, network: Network) -> Step:
        model = HostModel(network.weights[op.model.data].tobytes(), name_of(op.outputs[0]), op.kind.data)
        forms = [Form(storage(value).name) for value in op.outputs]

        def step(tensors: dict[str, Array]) -> None:
            held = tensors | self._weights
            operands = [held[name_of(value)] for value in op.inputs]
            made = model.run([(array, Form(array.dtype.name)) for array in operands], forms)
            tensors.update(zip(map(name_of, op.outputs), made, strict=True))

        return step


def _session(part: Sequence[Operation], network: Network, threads: int, hidden: Collection[str], sums: bool) -> Step:
    """Consecutive ops of Top as one model, whose outputs are what isn't `hidden`, or what other parts read."""
    ops, made = set(part), [value for op in part for value in op.results]
    used = dict.fromkeys(value for op in part for value in op.operands)
    fed = [v for v in used if v.owner not in ops and isinstance(v.owner, Operation) and not _is_constant(v.owner)]
    kept = [v for v in made if name_of(v) not in hidden or any(use.operation not in ops for use in v.uses)]
    session = Session(write_part(part, network.weights, fed, made=kept, sums=sums), threads)
    names = list(map(name_of, fed))

    def step(tensors: dict[str, Array]) -> None:
        tensors.update(session.run({name: tensors[name] for name in names}))

    return step


def _parts(network: Network) -> Iterator[Sequence[Operation]]:
    """The computing ops in order: each of the host by itself, others in runs as long as they can be."""
    run = list[Operation]()
    for op in filter(_computes, network.ops):
        if isinstance(op, HostOp):
            if run:
                yield run
            yield [op]
            run = []
        else:
            run.append(op)
    if run:
        yield run


def _computes(op: Operation) -> bool:
    return not isinstance(op, structure.InputOp | structure.WeightOp | structure.NoneOp | ReturnOp)


def _is_weight(op: Operation) -> bool:
    return isinstance(op, structure.WeightOp)


def _is_constant(op: Operation) -> bool:
    return isinstance(op, structure.WeightOp | structure.NoneOp)
