// RUN: e8
// A picture too large for the lanes is cut along its rows: the load's ranges overlap by the kernel's halo, moves have two buffers.
module attributes {module.state = "TPU_LOWERED"} {
func.func @main(%arg0: tensor<1x8x128x128xf32>) -> tensor<1x8x128x128xf32> {
  %x = "top.Input"(%arg0) : (tensor<1x8x128x128xf32>) -> tensor<1x8x128x128xf32> loc("x")
  %f = "top.Weight"() : () -> tensor<1x8x8x9xf32> loc("f")
  %n = "top.None"() : () -> none
  %1 = "tpu.Conv"(%x, %f, %n) {kernel_shape = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1], dilations = [1, 1], group = 1 : i64, do_relu = false, relu_limit = -1.0 : f64} : (tensor<1x8x128x128xf32>, tensor<1x8x8x9xf32>, none) -> tensor<1x8x128x128xf32> loc("y")
  return %1 : tensor<1x8x128x128xf32>
}
}
// CHECK:      "tpu.Load"(%{{.*}}) {ginfo = #tpu.lg<n = [0:1], c = [0:8], h = h[0:[[STOP:[0-9]+]], {{.*}}:128], w = [0:128], k = [0:1], addr = [{{[0-9]+}}, {{[0-9]+}}], size = {{[0-9]+}}, acc = -1, tmp = []>}
// CHECK-NEXT: "tpu.Load"(%{{.*}}) {ginfo = #tpu.lg<n = [0:1], c = [0:8], h = [0:8], w = [0:9], k = [0:1], addr = [{{[0-9]+}}], size = 288, acc = -1, tmp = []>}
// CHECK-NEXT: "tpu.Conv"(%{{.*}}) {dilations = [1, 1], do_relu = false, ginfo = #tpu.lg<n = [0:1], c = [0:8], h = h[0:{{.*}}:128], w = [0:128], k = [0:8], addr = [{{[0-9]+}}, {{[0-9]+}}]
// CHECK-NEXT: "tpu.Store"
// CHECK:      hsecs = {{[1-9][0-9]+}} : i64
