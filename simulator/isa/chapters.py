"""What of `docs/isa.md` is of no single op: the machine, its memories, its order, its time. Numbers are the code's."""

from __future__ import annotations

from simulator.chip import BANKS, CHIPS
from simulator.isa.record import OPERAND, RECORD
from simulator.isa.table import DType
from simulator.layout import Frame, lane_bytes, strides
from simulator.memory import POISON
from simulator.timing import BURST, DMA_LATENCY, DMA_SETUP, TIU_SETUP

E8 = CHIPS["e8"]
_FRAME: Frame = (1, 10, 2, 3)
_STRIDES, _BYTES = strides(_FRAME, 1, E8), lane_bytes(_FRAME, 1, E8)
_POISON = f"{POISON:#x}"

INTRODUCTION = """\
# The instruction set

What a chip is given and what it makes of it, to the byte and to the cycle. What a number *is* after a step, to the
bit, is in [numerics.md](numerics.md); a § here is a section there.

This page is made by `simulator/isa/document.py` from the table of ops (`simulator/isa/table.py`), what each means
(`simulator/isa/semantics/`), the examples (`simulator/isa/examples.yaml`), the layout of a record and the cycle
model; the tests run with `--update-golden` write it anew. Tests hold that what it says is so: every example runs,
every operand takes just the types, regions and lanes given for it, every worked figure is the cycle model's.

Notation: `⌈x⌉` rounds up, `⌊x⌋` down, `rne` to the nearest whole number, ties to even. `f32(…)` rounds once to f32,
ties to even. `>>` is an arithmetic shift. `c ? a : b` is a where c holds, else b. i32 and i64 are two's complement.
L, E, I and P are a preset's lanes, bytes of the element units, input channels and pixels of the cube. `stored(x)` is
x rounded to the type of the result (§1); size is the bytes of an element. An example's comments have the values of
operands before and after, row by row: `; in` is the first record's, `; 0 TIU 2 in` that of core 0's second TIU
record.

## The machine

A chip has cores, which share global memory. A core has L **lanes**, each with memory of its own that no other lane
sees, and two **engines** that work side by side:

* the **TIU** computes on local memory. In each lane it has element units that work on E bytes a cycle, and a part of
  the cube, which multiplies I input channels by P pixels a cycle for the lane's own output channel;
* the **GDMA** moves bytes between global and local memory.

A preset is every number of a chip. Its SHA-256 is in each program, and a program runs on no other. The file of a
program, `sample.model`, is laid out as `simulator/container.py` and `simulator/model_file.py` say.
"""

PROGRAMS = f"""\
## Programs and order

A program is, for each core, two streams of records of {RECORD.itemsize} bytes, one for each engine. Each engine takes
its records in order, one after another, and **within an engine effects are in order**: a record finds done all that
earlier records of its engine do, in memory too.

**Between the engines nothing is ordered but by `wait`.** A record with `wait = k` is held back until the other
engine's k-th record (of the same core, counted from 1) is complete, and so all before it; 0 waits for none. A record
is complete when its engine is free again, a GDMA record {DMA_LATENCY} cycles later. Two records of different engines
that touch a byte, at least one of them writing, must be in order by engine order and waits together; else what the
byte is then isn't defined. So a load waits for the last reader of what it overwrites, a reader for its load, a store
for what it stores.

**Cores** run a program each. Waits and their counts are of one core's own streams. Cores meet only through SEND and
WAIT, records of the GDMA, and only in global memory: `WAIT core=c count=k` is held back until core c's k-th SEND is
complete, and so all that c's GDMA did before, and all that this waited for.

**Ends.** A stream ends with END or DMA_END. Where ops run on the host (see [host.md](host.md)), each stream falls
into stretches, one for each subnet of the chip, each of which so ends. Waits and SENDs count through the whole
stream. The first record of each engine in a later subnet waits for the other engine's end of the one before; between
the two the host reads and writes global memory. With several cores each GDMA also waits, before it touches global
memory, for a SEND that every other core makes at the end of the one before.

**Deadlock.** A program of which not every record can run, because engines or cores wait for each other or for what
isn't there, is refused before it starts.
"""

MEMORY = f"""\
## Memory

| region | code | who writes it | what it holds at the start |
| --- | --- | --- | --- |
| LOCAL | 0 | TIU and GDMA; each core's own | {_POISON} in every byte |
| WEIGHT | 1 | nobody | the program's weights |
| ACTIVATION | 2 | GDMA, host | {_POISON} in every byte |
| IO | 3 | GDMA, host | the inputs; {_POISON} elsewhere |

Nothing stays from one inference to the next: before each, memory but the weights is **poisoned**. {_POISON} is -1 or
255, and a NaN in every float type, of bits that no op stores.

An operand is a tensor of four extents (n, c, h, w), each at least 1, with an address and four strides in bytes, of
either sign or 0. **In global memory** element (n, c, h, w) is at byte

    address + n·s0 + c·s1 + h·s2 + w·s3          of its region

**In local memory** channels go round the lanes, from the operand's `lane` on; s1 is from one depth to the next:

    lane  (lane + c) mod L
    byte  address + n·s0 + ⌊(lane + c) ÷ L⌋·s1 + h·s2 + w·s3          of that lane

So {_FRAME} of i8 from lane 6 of e8 (L = {E8.lanes}) has channel 0 in lane 6, channel 1 in lane 7, both at depth 0,
channels 2 to 9 in lanes 0 to 7 at depth 1. A stride of 0 repeats: the operand is broadcast along that axis. Only what
is read may have strides, 0 or others, by which elements share bytes: no two elements of a result share one.

Elements are little endian. The address, and each stride of an axis longer than 1, is a multiple of the element's
size; every byte lies within the region, or the lane.

Strides are free. The layout that compiler and host use where nothing asks for another is: w dense, h after it, each
plane on a multiple of E bytes, planes of one element dense; depth after depth, image after image. On e8 {_FRAME} of
i8 so has strides {_STRIDES} and takes {_BYTES} bytes in each lane.

**Lanes of operands.** The units of a lane see that lane alone. So in most ops all operands begin at the lane of the
result; each op's table says "same" there. "any" may begin anywhere: the engine brings such data to all lanes. "each":
every lane that has a channel of the result reads its own copy, at the same address; `lane` has no meaning.

**In place.** A record may write exactly where an operand lies, element on element of one size and stride, if its op
reads each element only to make the one in its place: ARITH, LUT (not its table), RESCALE_ADD, RESCALE_MUL, CAST,
COPY. What comes of any other overlap isn't defined, but of COPY, all of which is read before anything is written; the
checks report each. `acc`, read and written, is one operand.
"""

RECORDS = f"""\
## Records

A record has {RECORD.itemsize} bytes, little endian. All that an op has no use for is 0, but for the type of an
operand that isn't there, {DType.NONE.value}.
"""

OPERANDS = f"""\
An operand has {OPERAND.itemsize} bytes:
"""

WINDOWS = """\
## Windows

CONV, DWCONV and POOL take kernel, stride, dilation and pads. Along rows (columns likewise), result y is made of taps
i of kh, at row `y·sh + i·dh - pt` of the input. Taps above row 0 or below the last are padding, with pt rows of it
above and pb below. The extents of the result say how many windows there are; they may be fewer than would fit.

* Kernel, stride and dilation are at least 1.
* Each pad is less than the window's reach, `dh·(kh - 1) + 1`.
* The last window ends within input and padding: `(oh - 1)·sh + dh·(kh - 1) + 1 - pt ≤ h + pb`.

Pads are of the tensor's edges: a record that makes a tile in the middle has none. A convolution's padding has the
value zx, and so adds nothing; a pool passes it over.
"""

ACCUMULATORS = """\
## Sums over several records

A sum too long for one record is made by several. With ACC_OUT a record leaves its i32 or f32 accumulators in `acc`
and has no `out`; with ACC_IN it goes on from those in `acc` instead of from the start. Both together do both, in the
same place. As order and type are those of one long record, so are the bits, wherever the sum is cut. Accumulators are
stored like any result: a NaN in them is canonical.
"""

FAULTS = """\
## What is refused

Before anything runs, a record is refused, and named with the field that is wrong: an op, function, type or region
that has no name here; a flag that the op doesn't take; an op of the other engine; an end anywhere but at the end of a
stretch; an operand that is missing, of a type, region, extents or lane that its op doesn't take, outside of its
memory or not aligned; a result whose elements share bytes; a window, a shift, an axis, a zero point or a scale
outside of its limits; a clamp with low above high, or for an 8-bit result with bounds that aren't whole numbers of
its type.

What depends on data is found when the record runs, and ends the run: a LUT's `which` of a table that isn't there, a
window whose count no row of POOL's `params` has, a tap of RESAMPLE's outside of its input, a packed stream that ends
early.

The checks ([checks.md](checks.md), `tpuflow check`) find what the machine itself doesn't: conflicts that no wait
orders, bytes read before they were written, results over operands still to be read.
"""

TIME = f"""\
## Time

Time doesn't depend on data. Both engines start at cycle 0. A record starts when its engine is free and what it waits
for is complete.

**TIU.** A record takes `({TIU_SETUP} + work) · (1 + conflicts)` cycles. Work is each op's formula below, of the
extents of its result (of `acc` with ACC_OUT). Lane memory has {BANKS} banks of equal size, one after the other; an
operand **conflicts** if between its first and its last byte, over all lanes, lies a part of a bank that another
operand of the record has a part of too. Two operands that meet are two conflicts.

**GDMA.** A record occupies its engine for `{DMA_SETUP} + ⌈max(wire ÷ B, local ÷ (lanes · E))⌉` cycles, B the bytes a
cycle of the memory bus (DDR bytes a second ÷ hertz), and is complete {DMA_LATENCY} cycles later; the next starts when
the occupancy ends.

* **Wire bytes**: on the bus each contiguous run of the global side takes whole bursts of {BURST} bytes. Runs are
  found from w outwards: an axis whose stride is the length of the run so far lengthens it, the first that isn't ends
  it, and that axis and those further out count the runs. An axis of stride 0, or of extent 1, isn't there.
* **Local bytes** are those of the local side, `lanes` = min(c, L).

(1, 64, 28, 28) of i8, stored whole, is one run of 50,176 bytes, 784 bursts. Stored into a tensor of twice the
channels of (…, 28, 28) it still is. Stored into one of 56 columns, it is 64·28 runs of 28 bytes, a burst each:
114,688 wire bytes.

**Several cores** share the bus: a preset's DDR bytes are for all of them. A transfer is on the bus from the end of
its record's {DMA_SETUP} first cycles until its bytes are through; of each cycle that begins with k transfers on the
bus, each gets 1/k. Its engine is free at the end of the cycle in which the last of them are through, but not sooner
than if the core had been alone. (TPU-MLIR models BM1688 with 24 GB/s for a core alone and 15 for each of two; here
two get 12 each, so that no program moves more than the bus has.) Between SEND and WAIT there is no time but SEND's
latency.
"""

TIMELINE = """\
**A program in time**, on e8: two loads, a sum of what they brought, a store, and the ends.
"""

SMALL = """\
    LOAD out=i8(1,8,8,8)@LOCAL+0/64,64,8,1 in=i8(1,8,8,8)@IO+0/512,64,8,1
    LOAD out=i8(1,8,8,8)@LOCAL+2048/64,64,8,1 in=i8(1,8,8,8)@IO+512/512,64,8,1
    STORE wait=1 out=i8(1,8,8,8)@IO+1024/512,64,8,1 in=i8(1,8,8,8)@LOCAL+4096/64,64,8,1
    DMA_END
    ARITH.add wait=2 out=i8(1,8,8,8)@LOCAL+4096/0,0,8,1 a=i8(1,8,8,8)@LOCAL+0/0,0,8,1 b=i8(1,8,8,8)@LOCAL+2048/0,0,8,1
    END
"""

CONFLICTS = """\
The sum's three operands lie in three banks. With `b` at 64, in the bank of `a`, there are two conflicts, and it takes
"""

PASSES = """\
**Passes** of the element units over each vector of E bytes:
"""
