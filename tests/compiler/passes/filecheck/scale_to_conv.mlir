// RUN: scale-to-conv,dead-code
// A BatchNorm on an image becomes a depthwise convolution of one tap; on a row of features it stays.
func.func @main(%arg0: tensor<1x3x4x4xf32>, %arg1: tensor<2x3xf32>) -> (tensor<1x3x4x4xf32>, tensor<2x3xf32>) {
  %x = "top.Input"(%arg0) : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> loc("x")
  %y = "top.Input"(%arg1) : (tensor<2x3xf32>) -> tensor<2x3xf32> loc("y")
  %v = "top.Weight"() : () -> tensor<3xf32> loc("v")
  %1 = "top.BatchNorm"(%x, %v, %v, %v, %v) {do_relu = true} : (tensor<1x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3x4x4xf32> loc("b_BatchNormalization")
  %2 = "top.Scale"(%y, %v, %v) : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32> loc("s_Scale")
  return %1, %2 : tensor<1x3x4x4xf32>, tensor<2x3xf32>
}
// CHECK:      "top.Conv"
// CHECK-SAME: do_relu = true, group = 3 : i64, kernel_shape = [1, 1]
// CHECK-SAME: tensor<3x1x1x1xf32>, tensor<3xf32>) -> tensor<1x3x4x4xf32> loc("b_BatchNormalization")
// CHECK:      "top.Scale"
