"""
The quantised network simulated in float: onnxruntime, with every int8 tensor rounded to its steps and back.

What is quantised, and to which type, is fed beside the samples: one session serves any choice of ranges. Each int8
tensor x becomes `(clip(round(x/scale) + z) - z)·scale`, weights the same by output channel. Sums are exact on the chip
and f32 here, so that a result differs from the lowered network's by a step now and then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from xdsl.ir import SSAValue

from compiler.dialects.structure import WeightOp
from compiler.dialects.top.base import is_present
from compiler.dialects.top.contraction import ConvOp, MatMulOp
from compiler.frontends.onnx.session import Session
from compiler.ir.network import Array, Network, name_of, shape
from compiler.ir.storage import is_float
from compiler.quantization.fake_weights import fake_weights
from compiler.quantization.simulated_model import INT8, WEIGHT, Choice, Sketch, model_of, parameters


class Simulated:
    """
    A canonical network with the tensors of `types` in int8, all others float.

    `bare` are pairs of a tensor and an op that reads its floats although others read it as int8. `contractions` names
    the Conv and MatMul with int8 weights, by default all whose weights are constant and whose operand is int8.
    `threads` of one operator.
    """

    def __init__(
        self,
        network: Network,
        types: Choice,
        threads: int = 1,
        bare: Collection[tuple[str, str]] = (),
        contractions: Collection[str] | None = None,
    ) -> None:
        floats = {name_of(value): value for value in _tensors(network) if is_float(value)}
        weighted = {name_of(op): op for op in network.ops if isinstance(op, ConvOp | MatMulOp) and _has_weights(op)}
        if contractions is None:
            held = {
                name
                for name, op in weighted.items()
                if (read := name_of(op.input)) in types and (read, name) not in bare
            }
        else:
            held = set(contractions)
        self.types = {name: types[name] for name in floats if name in types}
        self._ranks = {name: len(shape(floats[name])) for name in self.types}
        chosen = {name: op for name, op in weighted.items() if name in held}
        self._sketch = Sketch(network, self.types, frozenset(bare), chosen)
        self._sessions, self._rounded = dict[tuple[bool, str], Session](), dict[str, Array]()
        self._threads = threads

    @property
    def contractions(self) -> list[str]:
        """Those with int8 weights, in order."""
        return list(self._sketch.contractions)

    def run(
        self,
        feeds: Mapping[str, Array],
        activations: Choice | None = None,
        weights: Collection[str] | None = None,
        *,
        tensors: bool = False,
    ) -> dict[str, Array]:
        """
        The network's results by name; with `tensors` every tensor. An int8 one is as its readers see it.

        `activations` are the tensors that are int8, by default all in `types`; another type may differ in its numbers,
        or have one scale for all channels. `weights` names the contractions whose weights are int8, by default all.
        """
        chosen = self.types if activations is None else activations
        taken = [name for name in self._sketch.contractions if weights is None or name in weights]
        kind = "some" if 0 < len(taken) < len(self._sketch.contractions) else "all" if taken else "none"
        session = self._session(tensors, kind)
        given = dict(feeds)
        for name, own in self.types.items():
            given |= parameters(name, chosen.get(name), own, self._ranks[name])
        if kind == "some":
            given |= {f"{name}{WEIGHT}": self._weights(name, name in taken) for name in self._sketch.contractions}
        made = session.run({name: given[name] for name in session.inputs})
        return {name.removesuffix(INT8): array for name, array in made.items()}

    def _session(self, tensors: bool, kind: str) -> Session:
        """Constant weights are faster than fed ones."""
        if (tensors, kind) not in self._sessions:
            network = self._sketch.network
            wanted = _tensors(network) if tensors else _results(network)
            names = self._sketch.contractions if kind != "some" else ()
            fixed = {name: self._weights(name, kind == "all") for name in names}
            self._sessions[tensors, kind] = Session(model_of(self._sketch, wanted, fixed), self._threads)
        return self._sessions[tensors, kind]

    def _weights(self, contraction: str, rounded: bool) -> Array:
        array = self._sketch.weights_of(contraction)
        if not rounded:
            return array
        if contraction not in self._rounded:
            op = self._sketch.contractions[contraction]
            self._rounded[contraction] = fake_weights(op, array, self.types.get(name_of(op.input)))
        return self._rounded[contraction]


def _has_weights(op: ConvOp | MatMulOp) -> bool:
    """Whether its second operand is constant, and one matrix if the op is a MatMul."""
    weights = op.operands[1]
    plain = isinstance(op, ConvOp) or all(extent == 1 for extent in shape(weights)[:-2])
    return isinstance(weights.owner, WeightOp) and plain


def _tensors(network: Network) -> Iterator[SSAValue]:
    """What is fed and computed, in order."""
    for op in network.ops:
        if not isinstance(op, WeightOp):
            yield from filter(is_present, op.results)


def _results(network: Network) -> Iterator[SSAValue]:
    block = network.main.body.block
    yield from block.last_op.operands if block.last_op else ()
