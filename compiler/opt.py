"""Passes by name: `fuse-relu,constant-fold{elements=100}`, the network verified after each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from xdsl.utils.arg_spec import parse_pipeline
from xdsl.utils.exceptions import ArgSpecParseError

from compiler.ir.network import Network
from compiler.ir.verify import broken
from compiler.passes.clip_to_relu import ClipToReluPass
from compiler.passes.constant_fold import ConstantFold
from compiler.passes.constant_operands import ConstantOperands
from compiler.passes.dead_code import DeadCode
from compiler.passes.fuse_affine import FuseAffinePass
from compiler.passes.fuse_gelu import FuseGeluPass
from compiler.passes.fuse_norm import FuseNormPass
from compiler.passes.fuse_pad import FusePadPass
from compiler.passes.fuse_relu import FuseReluPass
from compiler.passes.fuse_reshape import FuseReshapePass
from compiler.passes.fuse_slice import FuseSlicePass
from compiler.passes.fuse_swish import FuseSwishPass
from compiler.passes.fuse_transpose import FuseTransposePass
from compiler.passes.global_pool import GlobalPoolPass
from compiler.passes.network_pass import NetworkPass, PassError
from compiler.passes.raise_scale import RaiseScalePass
from compiler.passes.remove_identity import RemoveIdentityPass
from compiler.passes.scale_to_conv import ScaleToConvPass
from compiler.passes.shape_infer import ShapeInfer
from compiler.passes.unfold_rows import UnfoldRowsPass

_CANONICAL: tuple[type[NetworkPass], ...] = (
    ShapeInfer, ConstantFold, RemoveIdentityPass, FuseSlicePass, FuseReshapePass, RemoveIdentityPass, ConstantOperands,
    UnfoldRowsPass, FuseSwishPass, FuseGeluPass, FuseNormPass, FusePadPass, FuseAffinePass, RaiseScalePass,
    ScaleToConvPass, FuseAffinePass, FuseTransposePass, GlobalPoolPass, ClipToReluPass, FuseReluPass, DeadCode,
)  # fmt: skip
CANONICALIZE = ",".join(kind.name for kind in _CANONICAL)
"""
The pipeline from origin to canonical. A Conv made of a Scale takes in what follows it, and Slices see through what
changes nothing, hence two passes twice.
"""

PASSES = {kind.name: kind for kind in _CANONICAL}
"""Every pass by name."""

Watcher = Callable[[str, Network], None]


class UnknownPass(Exception):
    """A pipeline names a pass that there is none of, or gives it an argument that it doesn't take."""


def passes(pipeline: str) -> list[NetworkPass]:
    """The passes that a pipeline names. Raises UnknownPass."""
    try:
        specs = list(parse_pipeline(pipeline))
    except ArgSpecParseError as error:
        raise UnknownPass(f"{pipeline!r} isn't a pipeline such as 'fuse-relu,dead-code': {error}") from None
    made: list[NetworkPass] = []
    for spec in specs:
        if spec.name not in PASSES:
            raise UnknownPass(f"there is no pass {spec.name!r}; there are {', '.join(PASSES)}")
        try:
            made.append(PASSES[spec.name].from_spec(spec))
        except ValueError as error:
            raise UnknownPass(f"{spec.name}: {error}") from None
    return made


def run(network: Network, pipeline: Iterable[NetworkPass], after: Watcher | None = None) -> None:
    """
    Run passes in order on a network, in place; `after` is called with each one's name once it is through.

    Raises PassError naming the pass and, where it left an op that doesn't verify, that op.
    """
    for step in pipeline:
        try:
            step.rewrite(network)
        except PassError as error:
            raise PassError(f"{step.name}: {error}") from None
        verify(network, f"{step.name} left")
        if after:
            after(step.name, network)


def verify(network: Network, context: str) -> None:
    """Raises PassError that names the first op that doesn't verify."""
    if problem := broken(network.module):
        raise PassError(f"{context} {problem}")
