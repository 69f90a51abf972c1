"""The `top` dialect: the network as its framework means it, free of any chip and of any number format."""

from xdsl.ir import Dialect

from compiler.dialects import host, structure
from compiler.dialects.fields import ops_of
from compiler.dialects.host import StringType
from compiler.dialects.top import (
    activation,
    comparison,
    contraction,
    elementwise,
    indexing,
    movement,
    normalisation,
    pooling,
    quantised,
    resampling,
    transposed,
    trigonometry,
)
from compiler.dialects.top.activation import *
from compiler.dialects.top.base import *
from compiler.dialects.top.comparison import *
from compiler.dialects.top.contraction import *
from compiler.dialects.top.elementwise import *
from compiler.dialects.top.indexing import *
from compiler.dialects.top.movement import *
from compiler.dialects.top.normalisation import *
from compiler.dialects.top.pooling import *
from compiler.dialects.top.quantised import *
from compiler.dialects.top.resampling import *
from compiler.dialects.top.transposed import *
from compiler.dialects.top.trigonometry import *
from compiler.dialects.top.window import *

Top = Dialect(
    "top",
    ops_of(
        structure,
        host,
        contraction,
        transposed,
        pooling,
        resampling,
        normalisation,
        elementwise,
        comparison,
        trigonometry,
        activation,
        quantised,
        movement,
        indexing,
    ),
    [StringType],
)
