"""The `tpu` dialect: the few ops that the chip runs. Narrow on purpose: all of Top comes through here."""

from xdsl.ir import Dialect

from compiler.dialects.fields import ops_of
from compiler.dialects.tpu import contraction, elementwise, group, movement, pooling, product, windows
from compiler.dialects.tpu.base import *
from compiler.dialects.tpu.contraction import *
from compiler.dialects.tpu.elementwise import *
from compiler.dialects.tpu.group import *
from compiler.dialects.tpu.movement import *
from compiler.dialects.tpu.pooling import *
from compiler.dialects.tpu.product import *
from compiler.dialects.tpu.slices import LgAttr
from compiler.dialects.tpu.windows import *

Tpu = Dialect("tpu", ops_of(contraction, product, windows, pooling, elementwise, movement, group), [LgAttr])
