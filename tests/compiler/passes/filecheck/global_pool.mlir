// RUN: global-pool
// One unpadded window over the plane is a reduction; a padded one isn't.
func.func @main(%arg0: tensor<1x3x4x5xf32>) -> (tensor<1x3x1x1xf32>, tensor<1x3x1x1xf32>, tensor<1x3x3x1xf32>) {
  %x = "top.Input"(%arg0) : (tensor<1x3x4x5xf32>) -> tensor<1x3x4x5xf32> loc("x")
  %1 = "top.AvgPool"(%x) {kernel_shape = [4, 5]} : (tensor<1x3x4x5xf32>) -> tensor<1x3x1x1xf32> loc("a_AveragePool")
  %2 = "top.MaxPool"(%x) {kernel_shape = [4, 5]} : (tensor<1x3x4x5xf32>) -> tensor<1x3x1x1xf32> loc("m_GlobalMaxPool")
  %3 = "top.AvgPool"(%x) {kernel_shape = [4, 5], pads = [1, 0, 1, 0]} : (tensor<1x3x4x5xf32>) -> tensor<1x3x3x1xf32> loc("p_AveragePool")
  return %1, %2, %3 : tensor<1x3x1x1xf32>, tensor<1x3x1x1xf32>, tensor<1x3x3x1xf32>
}
// CHECK:      "top.Reduce"(%0) {axes = [2, 3], keepdims = true, mode = "ReduceMean"}
// CHECK-SAME: loc("a_AveragePool")
// CHECK:      "top.Reduce"(%0) {axes = [2, 3], keepdims = true, mode = "ReduceMax"}
// CHECK:      "top.AvgPool"
