"""
Exact int8 contractions (CHIP §4): int32 sums of `weight · (input - zero point)`; padding contributes nothing.

Dense ones are matrix products of weights, shifted to u8, by columns of the input, shifted to i8, in onnxruntime's
MatMulInteger. Its fast kernels saturate on processors without a dot-product instruction, which a self-test on the worst
sums finds out at first use; the slower u8·u8 form is exact everywhere. Sums wrap modulo 2^32 as int32 does.
"""

from __future__ import annotations

from functools import cache, reduce
from typing import Any, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from simulator.arithmetic.columns import Window, columns
from simulator.arithmetic.compiled import compiled
from simulator.arithmetic.threads import THREADS

Array = NDArray[Any]
Int32 = NDArray[np.int32]

LONGEST = 1 << 15
"""Products summed in one call: 255·128·LONGEST < 2^31, so that a saturating 32-bit sum never saturates."""


def convolve(
    x: Array,
    w: Array,
    *,
    zx: int,
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
    dilations: tuple[int, int],
    depthwise: bool,
    start: Int32 | None,
) -> Int32:
    """
    2-D convolution of `x` i8|u8 (n, ic, h, w) by `w` i8 (oc, ic, kh, kw), depthwise (c, 1, kh, kw), onto `start`.

    `zx` is the input's zero point and the value of padding; `start` int32 (n, oc, oh, ow) or None for zeros. Returns
    int32 (n, oc, oh, ow).
    """
    n, _, h, width = x.shape
    oc, _, kh, kw = w.shape
    window = Window((kh, kw), strides, pads, dilations)
    shape = (n, oc, *window.output(h, width))
    image, zero = _signed(x, zx)
    if depthwise:
        made = np.zeros(shape, np.int32) if start is None else np.array(start, np.int32, order="C")
        _depthwise(image, np.ascontiguousarray(w[:, 0]), zero, *strides, *dilations, *pads[:2], made)
        return made
    weights = _shifted(w.reshape(oc, -1))
    products = [_product(weights, columns(one, window, zero), zero) for one in image]
    made = (products[0] if n == 1 else np.stack(products)).reshape(shape)
    return made if start is None else np.add(made, start, out=made)


def multiply(a: Array, w: Array, *, zx: int, start: Int32 | None) -> Int32:
    """Matrix product of `a` i8|u8 (m, k) by the rows of `w` i8 (n, k), onto `start` int32 (m, n). Returns (m, n)."""
    values, zero = _signed(a, zx)
    made = np.ascontiguousarray(_product(_shifted(w), np.ascontiguousarray(values.T), zero).T)
    return made if start is None else np.add(made, start, out=made)


def products(a: Array, b: Array, *, za: int, zb: int, start: Int32 | None) -> Int32:
    """
    Matrix products of `a` i8|u8 (batch, m, k) by `b` i8|u8 (batch, k, n), onto `start` int32 (batch, m, n).

    `za` and `zb` are subtracted from what is read. Returns (batch, m, n).
    """
    left, zero_a = _unsigned(a, za)
    right, zero_b = _signed(b, zb)
    made = np.stack([_product(x, y, zero_b, zero_a) for x, y in zip(left, right, strict=True)])
    return made if start is None else np.add(made, start, out=made)


def _signed(x: Array, zero: int) -> tuple[Array, int]:
    """The same differences to the zero point as i8, contiguous."""
    x = np.ascontiguousarray(x)
    return (x, zero) if x.dtype == np.int8 else ((x ^ np.uint8(128)).view(np.int8), zero - 128)


def _unsigned(x: Array, zero: int) -> tuple[Array, int]:
    """The same differences to the zero point as u8, contiguous."""
    x = np.ascontiguousarray(x)
    return (x, zero) if x.dtype == np.uint8 else (x.view(np.uint8) ^ np.uint8(128), zero + 128)


def _shifted(w: Array) -> Array:
    """Weights i8 (m, k) as u8 with zero point 128, contiguous."""
    return np.bitwise_xor(w.view(np.uint8), np.uint8(128), order="C")


def _product(w: Array, x: Array, zero: int, left_zero: int = 128) -> Int32:
    """int32 (m, n): `w` u8 with zero point `left_zero`, (m, k), by `x` i8 with zero point `zero`, (k, n)."""
    multiplier = _fastest()
    if len(x) <= LONGEST:
        return multiplier(w, x, zero, left_zero)
    cuts = range(0, len(x), LONGEST)
    parts = [multiplier(np.ascontiguousarray(w[:, k : k + LONGEST]), x[k : k + LONGEST], zero, left_zero) for k in cuts]
    return reduce(np.add, parts)


class Multiplier:
    """An onnxruntime session of one MatMulInteger, u8 by i8 or, with `unsigned`, u8 by u8."""

    def __init__(self, unsigned: bool) -> None:
        self.unsigned = unsigned
        right = TensorProto.UINT8 if unsigned else TensorProto.INT8
        scalar: list[str] = []
        feeds = (("w", TensorProto.UINT8, ["m", "k"]), ("x", right, ["k", "n"]), ("zw", TensorProto.UINT8, scalar),
                 ("zx", right, scalar))  # fmt: skip
        graph = helper.make_graph(
            [helper.make_node("MatMulInteger", ["w", "x", "zw", "zx"], ["y"])],
            "product",
            [helper.make_tensor_value_info(*feed) for feed in feeds],
            [helper.make_tensor_value_info("y", TensorProto.INT32, ["m", "n"])],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), session_options(), providers=["CPUExecutionProvider"]
        )

    def __call__(self, w: Array, x: Array, zero: int, left_zero: int = 128) -> Int32:
        """The product that `_product` describes, of at most LONGEST terms."""
        if self.unsigned:
            x, zero = x.view(np.uint8) ^ np.uint8(128), zero + 128
        feeds = {"w": w, "x": x, "zw": np.array(left_zero, np.uint8), "zx": np.array(zero, x.dtype)}
        return cast("Int32", self.session.run(["y"], feeds)[0])

    def is_exact(self) -> bool:
        """Whether the sums of largest magnitude, which 16-bit halves of a dot product can't hold, come out right."""
        for low, high in ((-128, -128), (-128, 127), (127, 127)):
            x = np.full((512, 64), low, np.int8)
            x[:, 1::2] = high
            for byte in (0, 255):
                w = np.full((64, 512), byte, np.uint8)
                exact = (w.astype(np.int64) - 128) @ (x.astype(np.int64) - 3)
                if not np.array_equal(self(w, x, 3), exact):
                    return False
        return True


def session_options() -> Any:
    """Options of an onnxruntime session: our number of threads, which sleep when there's nothing to do."""
    options = cast("Any", onnxruntime).SessionOptions()
    options.intra_op_num_threads = THREADS
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


@cache
def _fastest() -> Multiplier:
    fast = Multiplier(unsigned=False)
    return fast if fast.is_exact() else Multiplier(unsigned=True)


@compiled
def _depthwise(
    x: Array, w: Array, zero: int, sh: int, sw: int, dh: int, dw: int, top: int, left: int, made: Array
) -> None:  # pragma: no cover
    n, c, h, width = x.shape
    _, kh, kw = w.shape
    _, _, oh, ow = made.shape
    for plane in range(n * c):
        ch = plane % c
        source, to = x[plane // c, ch], made[plane // c, ch]
        for i in range(kh):
            for j in range(kw):
                weight, shift = np.int32(w[ch, i, j]), j * dw - left
                offset = np.int32(zero) * weight
                first = max(0, (sw - 1 - shift) // sw)
                last = max(first, min(ow, (width - 1 - shift) // sw + 1))
                for y in range(oh):
                    row = y * sh + i * dh - top
                    if row < 0 or row >= h:
                        continue
                    read, sums = source[row, first * sw + shift :], to[y, first:last]
                    if sw == 1:
                        for z in range(sums.size):
                            sums[z] += weight * np.int32(read[z]) - offset
                    else:
                        for z in range(sums.size):
                            sums[z] += weight * np.int32(read[z * sw]) - offset
