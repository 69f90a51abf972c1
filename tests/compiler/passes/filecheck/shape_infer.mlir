// RUN: shape-infer
// Results get extents; auto_pad, ceil_mode, a global window, a -1 and negative axes get their numbers.
func.func @main(%arg0: tensor<1x2x5x7xf32>) -> tensor<*xf32> {
  %0 = "top.Input"(%arg0) : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32> loc("x")
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<4x2x3x2xf32> loc("w")
  %1 = "top.Conv"(%0, %w, %none) {kernel_shape = [3, 2], strides = [2, 2], auto_pad = "SAME_UPPER"} : (tensor<1x2x5x7xf32>, tensor<4x2x3x2xf32>, none) -> tensor<*xf32> loc("c_Conv")
  %2 = "top.MaxPool"(%1) {kernel_shape = [2, 2], strides = [2, 2], ceil_mode = true} : (tensor<*xf32>) -> tensor<*xf32> loc("m_MaxPool")
  %3 = "top.AvgPool"(%2) {kernel_shape = [], strides = [], pads = []} : (tensor<*xf32>) -> tensor<*xf32> loc("g_GlobalAveragePool")
  %4 = "top.Concat"(%3, %3) {axis = -3 : si32} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32> loc("k_Concat")
  %5 = "top.Reduce"(%4) {axes = [-1], keepdims = false, mode = "ReduceMean"} : (tensor<*xf32>) -> tensor<*xf32> loc("d_ReduceMean")
  %6 = "top.Slice"(%5) {offset = [-5], ends = [9999], steps = [3], axes = [1]} : (tensor<*xf32>) -> tensor<*xf32> loc("s_Slice")
  %7 = "top.Reshape"(%6) {shape = [0, -1]} : (tensor<*xf32>) -> tensor<*xf32> loc("r_Reshape")
  return %7 : tensor<*xf32>
}
// CHECK:      func.func @main(%{{.*}}: tensor<1x2x5x7xf32> {{.*}}) -> tensor<1x2xf32>
// CHECK:      "top.Conv"
// CHECK-SAME: {
// CHECK-SAME: pads = [1, 0, 1, 1]
// CHECK-SAME: -> tensor<1x4x3x4xf32>
// CHECK:      "top.MaxPool"
// CHECK-SAME: {
// CHECK-SAME: pads = [0, 0, 1, 0]
// CHECK-SAME: -> tensor<1x4x2x2xf32>
// CHECK:      "top.AvgPool"
// CHECK-SAME: kernel_shape = [2, 2], pads = [0, 0, 0, 0]
// CHECK-SAME: strides = [1, 1]
// CHECK-SAME: -> tensor<1x4x1x1xf32>
// CHECK:      "top.Concat"
// CHECK-SAME: axis = 1 : si32
// CHECK:      "top.Reduce"
// CHECK-SAME: axes = [3]
// CHECK-SAME: -> tensor<1x8x1xf32>
// CHECK:      "top.Slice"
// CHECK-SAME: {axes = [], ends = [1, 8, 1], offset = [0, 3, 0], steps = [1, 3, 1]}
// CHECK-SAME: -> tensor<1x2x1xf32>
// CHECK:      "top.Reshape"
// CHECK-SAME: shape = [1, 2]
// CHECK:      return %{{.*}} : tensor<1x2xf32>
