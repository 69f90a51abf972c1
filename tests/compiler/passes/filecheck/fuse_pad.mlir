// RUN: fuse-pad,dead-code
// Pads add up. A maximum takes only a pad of -inf, an average then counts it, and no pool's window may
// lie in the padding alone. A pad of rows of its own stays.
func.func @main(%arg0: tensor<1x2x4x4xf32>) -> (tensor<1x2x5x6xf32>, tensor<1x2x5x5xf32>, tensor<1x2x5x5xf32>, tensor<1x2x5x5xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x5xf32>) {
  %x = "top.Input"(%arg0) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("x")
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<2x2x3x3xf32> loc("w")
  %p = "top.Pad"(%x) {paddings = [0, 0, 1, 1, 0, 0, 1, 2]} : (tensor<1x2x4x4xf32>) -> tensor<1x2x6x7xf32> loc("p_Pad")
  %1 = "top.Conv"(%p, %w, %none) {kernel_shape = [3, 3], pads = [1, 1, 0, 0]} : (tensor<1x2x6x7xf32>, tensor<2x2x3x3xf32>, none) -> tensor<1x2x5x6xf32> loc("c_Conv")
  %q = "top.Pad"(%x) {paddings = [0, 0, 1, 1, 0, 0, 1, 1]} : (tensor<1x2x4x4xf32>) -> tensor<1x2x6x6xf32> loc("q_Pad")
  %2 = "top.AvgPool"(%q) {kernel_shape = [2, 2]} : (tensor<1x2x6x6xf32>) -> tensor<1x2x5x5xf32> loc("a_AveragePool")
  %3 = "top.MaxPool"(%q) {kernel_shape = [2, 2]} : (tensor<1x2x6x6xf32>) -> tensor<1x2x5x5xf32> loc("m_MaxPool")
  %l = "top.Pad"(%x) {paddings = [0, 0, 1, 1, 0, 0, 1, 1], val = 0xFFF0000000000000 : f64} : (tensor<1x2x4x4xf32>) -> tensor<1x2x6x6xf32> loc("l_Pad")
  %4 = "top.MaxPool"(%l) {kernel_shape = [2, 2]} : (tensor<1x2x6x6xf32>) -> tensor<1x2x5x5xf32> loc("n_MaxPool")
  %o = "top.Pad"(%x) {paddings = [0, 0, 2, 0, 0, 0, 0, 1]} : (tensor<1x2x4x4xf32>) -> tensor<1x2x6x5xf32> loc("o_Pad")
  %5 = "top.AvgPool"(%o) {kernel_shape = [2, 2]} : (tensor<1x2x6x5xf32>) -> tensor<1x2x5x4xf32> loc("w_AveragePool")
  %r = "top.Pad"(%x) {paddings = [0, 0, 1, 1, 0, 0, 1, 1], mode = "reflect"} : (tensor<1x2x4x4xf32>) -> tensor<1x2x6x6xf32> loc("r_Pad")
  %6 = "top.AvgPool"(%r) {kernel_shape = [2, 2]} : (tensor<1x2x6x6xf32>) -> tensor<1x2x5x5xf32> loc("v_AveragePool")
  return %1, %2, %3, %4, %5, %6 : tensor<1x2x5x6xf32>, tensor<1x2x5x5xf32>, tensor<1x2x5x5xf32>, tensor<1x2x5x5xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x5xf32>
}
// CHECK:      %[[X:.*]] = "top.Input"
// CHECK:      "top.Conv"(%[[X]]
// CHECK-SAME: pads = [2, 2, 1, 2]
// CHECK:      %[[Q:.*]] = "top.Pad"
// CHECK-SAME: loc("q_Pad")
// CHECK:      "top.AvgPool"(%[[X]])
// CHECK-SAME: count_include_pad = true
// CHECK-SAME: pads = [1, 1, 1, 1]
// CHECK:      "top.MaxPool"(%[[Q]])
// CHECK-SAME: pads = [0, 0, 0, 0]
// CHECK:      "top.MaxPool"(%[[X]])
// CHECK-SAME: pads = [1, 1, 1, 1]
// CHECK:      %[[O:.*]] = "top.Pad"
// CHECK:      "top.AvgPool"(%[[O]])
// CHECK:      %[[R:.*]] = "top.Pad"
// CHECK-SAME: loc("r_Pad")
// CHECK:      "top.AvgPool"(%[[R]])
