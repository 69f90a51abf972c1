// RUN: fuse-relu
// The Relu goes into the convolution, with its limit and its name; a second one stays, and so does one whose operand
// has another reader.
func.func @main(%arg0: tensor<1x2x4x4xf32>) -> (tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>) {
  %0 = "top.Input"(%arg0) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("x")
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<3x2x1x1xf32> loc("w")
  %1 = "top.Conv"(%0, %w, %none) {kernel_shape = [1, 1]} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>, none) -> tensor<1x3x4x4xf32> loc("c_Conv")
  %2 = "top.Relu"(%1) {relu_limit = 6.0 : f64} : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> loc("r_Relu")
  %5 = "top.Relu"(%2) : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> loc("t_Relu")
  %3 = "top.Add"(%5, %5) : (tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> loc("a_Add")
  %4 = "top.Relu"(%3) : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> loc("s_Relu")
  return %4, %3 : tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>
}
// CHECK:     "top.Conv"
// CHECK-SAME: do_relu = true
// CHECK-SAME: relu_limit = 6.000000e+00 : f64
// CHECK-SAME: loc("r_Relu")
// CHECK-NEXT: "top.Relu"
// CHECK-SAME: loc("t_Relu")
// CHECK-NEXT: "top.Add"
// CHECK-SAME: do_relu = false
// CHECK-NEXT: "top.Relu"
// CHECK-SAME: loc("s_Relu")
