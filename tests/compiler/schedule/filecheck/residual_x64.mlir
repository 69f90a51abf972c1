// RUN: x64
// Two convolutions and a sum in one group of one tile: loads stand before the ops that need them, the result is stored.
module attributes {module.state = "TPU_LOWERED"} {
func.func @main(%arg0: tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32> {
  %x = "top.Input"(%arg0) : (tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32> loc("x")
  %f = "top.Weight"() : () -> tensor<1x8x8x9xf32> loc("f")
  %n = "top.None"() : () -> none
  %1 = "tpu.Conv"(%x, %f, %n) {kernel_shape = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1], dilations = [1, 1], group = 1 : i64, do_relu = false, relu_limit = -1.0 : f64} : (tensor<1x8x8x8xf32>, tensor<1x8x8x9xf32>, none) -> tensor<1x8x8x8xf32> loc("a")
  %2 = "tpu.Elementwise"(%x, %1) {formula = "(x0 + x1)"} : (tensor<1x8x8x8xf32>, tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32> loc("y")
  return %2 : tensor<1x8x8x8xf32>
}
}
// CHECK:      module attributes {{.*}}module.coeff_size = 2304 : i64, module.io_size = 4096 : i64, module.neuron_size = 0 : i64
// CHECK-NEXT: func.func @main(%arg0: tensor<1x8x8x8xf32, 3298534883328 : i64>
// CHECK-SAME: -> tensor<1x8x8x8xf32, 3298534885376 : i64>
// CHECK:      "top.Weight"() : () -> tensor<1x8x8x9xf32, 1099511627776 : i64> loc("f")
// CHECK:      %[[G:.*]] = "tpu.Group"(%{{.*}}, %{{.*}}) ({
// CHECK-NEXT:   %[[X:.*]] = "tpu.Load"(%{{.*}}) {ginfo = #tpu.lg<n = [0:1], c = [0:8], h = [0:8], w = [0:8], k = [0:1], addr = [{{[0-9]+}}], size = 256, acc = -1, tmp = []>}
// CHECK-NEXT:   %[[F:.*]] = "tpu.Load"
// CHECK-SAME:   -> tensor<1x8x8x9xf32> loc("f")
// CHECK-NEXT:   %[[A:.*]] = "tpu.Conv"(%[[X]], %[[F]], %{{.*}}) {{.*}}k = [0:8]
// CHECK-NEXT:   %[[Y:.*]] = "tpu.Elementwise"(%[[X]], %[[A]])
// CHECK-NEXT:   %[[S:.*]] = "tpu.Store"(%[[Y]])
// CHECK-SAME:   -> tensor<1x8x8x8xf32, 3298534885376 : i64> loc("y")
// CHECK-NEXT:   "tpu.Yield"(%[[S]])
// CHECK-NEXT: }) {csecs = 1 : i64, hsecs = 1 : i64, ksecs = 1 : i64, nsecs = 1 : i64, order = "nchwk", wsecs = 1 : i64}
// CHECK-NEXT: return %[[G]]
