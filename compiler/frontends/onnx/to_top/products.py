"""Matrix products: MatMul of vectors too, Gemm, and Einsum as permutations, products and sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, count
from math import prod

import onnx
from xdsl.dialects.builtin import StringAttr, f32
from xdsl.ir import Attribute

from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.compose import composes
from compiler.frontends.onnx.to_top.convert import converts
from compiler.frontends.onnx.to_top.reader import Reader, Unsupported, flag, real


def refuse_integers(reader: Reader, node: onnx.NodeProto) -> None:
    """Raises Unsupported unless the node's first output is of floats."""
    if (element := reader.element(node.output[0])) != f32:
        raise Unsupported(f"a product of matrices of {element}; cast them to float, or quantise the model")


@converts("MatMul")
def matmul(reader: Reader, node: onnx.NodeProto) -> None:
    """A vector on the left is a row, on the right a column; their axes of 1 go again."""
    refuse_integers(reader, node)
    names, ranks = list(node.input), [len(reader.shape(name)) for name in node.input]
    if min(ranks) > 1:
        reader.add(node, top.MatMulOp, names, {})
        return
    for i, side in enumerate(("row", "column")):
        if ranks[i] == 1:
            names[i] = reader.step(node, side, top.UnsqueezeOp, [names[i]], {"axes": ints(i)})
    product = reader.step(node, "product", top.MatMulOp, names)
    reader.add(node, top.ReshapeOp, [product], {"shape": ints(*reader.shape(node.output[0]))})


@composes("Gemm")
def gemm(reader: Reader, node: onnx.NodeProto) -> None:
    """`alpha · A · B + beta · C`; a constant C of one number a column is the bias of a product by weights."""
    refuse_integers(reader, node)
    given, (left, right, *third) = reader.attributes(node), node.input
    columns, weights = reader.shape(node.output[0])[1:], reader.network.weights
    transposed = {"right_transpose": flag(bool(given["transB"]))}
    if given["transA"]:
        left = reader.step(node, "left", top.PermuteOp, [left], {"order": ints(1, 0)})
    if given["alpha"] != 1.0:
        left = reader.step(node, "scaled", top.MulConstOp, [left], {"const_val": real(given["alpha"])})
    added = [name for name in third if name]
    if added and given["beta"] != 1.0:
        added = [reader.step(node, "bias", top.MulConstOp, added, {"const_val": real(given["beta"])})]
    bias = added == third and right in weights and third[0] in weights if added else True
    if bias and (not added or reader.shape(added[0]) == columns):
        reader.add(node, top.MatMulOp, [left, right, *added], transposed)
        return
    product = reader.step(node, "product", top.MatMulOp, [left, right], transposed)
    reader.add(node, top.AddOp, [product, *added], {})


@dataclass(frozen=True)
class Term:
    """A tensor of an Einsum and the labels of its axes; those that an ellipsis stands for are numbers."""

    name: str
    labels: tuple[str, ...]


class Summation:
    """An Einsum on its way to Top: `extents` of the labels, and of each operand's axes as they are."""

    def __init__(self, reader: Reader, node: onnx.NodeProto) -> None:
        self.reader, self.node, self.counter = reader, node, count()
        self.shapes = {name: reader.shape(name) for name in node.input}

    def step(self, kind: type[top.TopOp], names: Sequence[str], dims: Iterable[int], **given: Attribute) -> str:
        """Append an op whose result has these extents."""
        name = self.reader.step(self.node, f"step{next(self.counter)}", kind, names, given)
        self.shapes[name] = tuple(dims)
        return name

    def extents(self, term: Term) -> dict[str, int]:
        """The extent of each label."""
        return dict(zip(term.labels, self.shapes[term.name], strict=True))

    def arranged(self, term: Term, labels: Sequence[str]) -> Term:
        """The term with its axes in another order."""
        order = [term.labels.index(label) for label in labels]
        if order == sorted(order):
            return term
        dims = [self.shapes[term.name][axis] for axis in order]
        return Term(self.step(top.PermuteOp, [term.name], dims, order=ints(*order)), tuple(labels))

    def shaped(self, term: Term, dims: Sequence[int]) -> str:
        """The term's tensor under other extents."""
        if tuple(dims) == self.shapes[term.name]:
            return term.name
        return self.step(top.ReshapeOp, [term.name], dims, shape=ints(*dims))

    def distinct(self, term: Term) -> Term:
        """The term with one axis a label: of two alike the diagonal, which is every so-manieth element."""
        for label in dict.fromkeys(term.labels):
            while (places := [i for i, other in enumerate(term.labels) if other == label])[1:]:
                order = [i for i in range(len(term.labels)) if i not in places[:2]] + places[:2]
                labels = tuple(term.labels[i] for i in order)
                *outer, n, _ = dims = [self.shapes[term.name][i] for i in order]
                turned = self.step(top.PermuteOp, [term.name], dims, order=ints(*order))
                flat = self.step(top.ReshapeOp, [turned], (*outer, n * n), shape=ints(*outer, n * n))
                cut = {"offset": ints(0), "ends": ints(n * n), "steps": ints(n + 1), "axes": ints(len(outer))}
                term = Term(self.step(top.SliceOp, [flat], (*outer, n), **cut), labels[:-1])
        return term

    def summed(self, term: Term, kept: Iterable[str]) -> Term:
        """The term without the labels that aren't kept, summed over."""
        gone = [i for i, label in enumerate(term.labels) if label not in set(kept)]
        if not gone:
            return term
        left = [(label, n) for label, n in self.extents(term).items() if term.labels.index(label) not in gone]
        asked = {"axes": ints(*gone), "keepdims": flag(False), "mode": StringAttr("ReduceSum")}
        made = self.step(top.ReduceOp, [term.name], [n for _, n in left], **asked)
        return Term(made, tuple(label for label, _ in left))

    def product(self, a: Term, b: Term, kept: set[str]) -> Term:
        """Both terms in one, summed over the labels that they share and that aren't kept."""
        a, b = self.summed(a, {*kept, *b.labels}), self.summed(b, {*kept, *a.labels})
        shared = [label for label in a.labels if label in b.labels]
        batch, summed = [x for x in shared if x in kept], [x for x in shared if x not in kept]
        mine, other = ([x for x in term.labels if x not in shared] for term in (a, b))
        sizes = {x: max(self.extents(a).get(x, 1), self.extents(b).get(x, 1)) for x in (*a.labels, *b.labels)}
        a, b = self.arranged(a, [*batch, *mine, *summed]), self.arranged(b, [*batch, *summed, *other])
        (of_a, of_b), made = (self.extents(a), self.extents(b)), [sizes[x] for x in (*batch, *mine, *other)]
        if not summed:
            left = self.shaped(a, [*(of_a[x] for x in (*batch, *mine)), *(1 for _ in other)])
            right = self.shaped(b, [*(of_b[x] for x in batch), *(1 for _ in mine), *(of_b[x] for x in other)])
            return Term(self.step(top.MulOp, [left, right], made), (*batch, *mine, *other))
        if any(of_a[x] != of_b[x] for x in summed):
            raise Unsupported("an axis of 1 is summed with a longer one; expand it first")
        m, k, n = (prod(sizes[x] for x in part) for part in (mine, summed, other))
        left = self.shaped(a, [*(of_a[x] for x in batch), m, k])
        right = self.shaped(b, [*(of_b[x] for x in batch), k, n])
        whole = self.step(top.MatMulOp, [left, right], [*(sizes[x] for x in batch), m, n])
        matrix = Term(whole, (*batch, "rows", "columns"))
        return Term(self.shaped(matrix, made), (*batch, *mine, *other))


@composes("Einsum")
def einsum(reader: Reader, node: onnx.NodeProto) -> None:
    """From left to right, two operands at a time."""
    refuse_integers(reader, node)
    work = Summation(reader, node)
    labels, result = _equation(reader.attributes(node)["equation"], [len(work.shapes[name]) for name in node.input])
    terms = [work.distinct(Term(name, own)) for name, own in zip(node.input, labels, strict=True)]
    made = terms[0]
    for i, term in enumerate(terms[1:], 2):
        made = work.product(made, term, {*result, *(label for later in terms[i:] for label in later.labels)})
    made = work.arranged(work.summed(made, result), result)
    reader.add(node, top.IdentityOp, [made.name], {})


def _equation(text: str, ranks: Sequence[int]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """The labels of each operand's axes, and of the result's; an ellipsis counts its axes from the last."""
    sides = text.replace(" ", "").split("->")
    operands = sides[0].split(",")
    if len(operands) != len(ranks):
        raise Unsupported(f"the equation {text!r} has {len(operands)} operands, the node {len(ranks)}")
    labels = [_labels(one, rank - len(one.replace("...", ""))) for one, rank in zip(operands, ranks, strict=True)]
    every = [label for own in labels for label in own]
    dotted = sorted({label for label in every if label.isdigit()}, key=int, reverse=True)
    if len(sides) > 1:
        return labels, _labels(sides[1], len(dotted))
    letters = sorted(label for label in set(every) if every.count(label) == 1 and not label.isdigit())
    return labels, (*dotted, *letters)


def _labels(text: str, dotted: int) -> tuple[str, ...]:
    before, dots, after = text.partition("...")
    return (*before, *(str(i) for i in range(dotted - 1, -1, -1) if dots), *after)


LARGEST_MATRIX = 4
"""Rows of the largest matrix whose determinant is spelt out."""


@composes("Det")
def determinant(reader: Reader, node: onnx.NodeProto) -> None:
    """Expanded by rows from the last up: the minors of its columns, each made once."""
    *lead, n, _ = dims = reader.shape(node.input[0])
    if n > LARGEST_MATRIX:
        raise Unsupported(f"a determinant of {n} rows; up to {LARGEST_MATRIX} are spelt out")

    @cache
    def entry(row: int, column: int) -> str:
        last = len(dims) - 1
        ends = {"offset": ints(row, column), "ends": ints(row + 1, column + 1), "steps": ints(1, 1)}
        return reader.step(node, f"entry{row}{column}", top.SliceOp, node.input, {**ends, "axes": ints(last - 1, last)})

    def expanded(columns: tuple[int, ...]) -> str:
        """The determinant of the last rows in these columns."""
        row, total, tag = n - len(columns), "", "".join(map(str, columns))
        for i, column in enumerate(columns):
            made = entry(row, column) if row == n - 1 else ""
            if not made:
                pair = [entry(row, column), minors[(*columns[:i], *columns[i + 1 :])]]
                made = reader.step(node, f"term{tag}{i}", top.MulOp, pair)
            kind = top.SubOp if i % 2 else top.AddOp
            total = reader.step(node, f"sum{tag}{i}", kind, [total, made]) if total else made
        return total

    minors = dict[tuple[int, ...], str]()
    for size in range(1, n + 1):
        minors |= {columns: expanded(columns) for columns in combinations(range(n), size)}
    reader.add(node, top.ReshapeOp, [minors[tuple(range(n))]], {"shape": ints(*lead)})
