// RUN: fuse-affine,dead-code
// BatchNorm and an added bias go into the Conv, a factor and a bias into the MatMul; a bias alone leaves the filter be.
// What comes behind a Relu stays.
func.func @main(%arg0: tensor<1x2x4x4xf32>, %arg1: tensor<2x3xf32>) -> (tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>, tensor<2x5xf32>) {
  %x = "top.Input"(%arg0) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("x")
  %y = "top.Input"(%arg1) : (tensor<2x3xf32>) -> tensor<2x3xf32> loc("y")
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<3x2x1x1xf32> loc("w")
  %v = "top.Weight"() : () -> tensor<3xf32> loc("v")
  %t = "top.Weight"() : () -> tensor<1x3x1x1xf32> loc("t")
  %1 = "top.Conv"(%x, %w, %none) {kernel_shape = [1, 1]} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>, none) -> tensor<1x3x4x4xf32> loc("c_Conv")
  %2 = "top.BatchNorm"(%1, %v, %v, %v, %none) {do_relu = true} : (tensor<1x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, none) -> tensor<1x3x4x4xf32> loc("b_BatchNormalization")
  %3 = "top.Conv"(%x, %w, %v) {kernel_shape = [1, 1]} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x4x4xf32> loc("d_Conv")
  %4 = "top.Add"(%t, %3) : (tensor<1x3x1x1xf32>, tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> loc("a_Add")
  %m = "top.Weight"() : () -> tensor<5x3xf32> loc("m")
  %b = "top.Weight"() : () -> tensor<5xf32> loc("b")
  %5 = "top.MatMul"(%y, %m, %none) {right_transpose = true} : (tensor<2x3xf32>, tensor<5x3xf32>, none) -> tensor<2x5xf32> loc("m_MatMul")
  %6 = "top.Add"(%5, %b) : (tensor<2x5xf32>, tensor<5xf32>) -> tensor<2x5xf32> loc("n_Add")
  %7 = "top.MulConst"(%6) {const_val = 2.0 : f64} : (tensor<2x5xf32>) -> tensor<2x5xf32> loc("o_Mul")
  %8 = "top.Conv"(%x, %w, %v) {kernel_shape = [1, 1], do_relu = true} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x4x4xf32> loc("r_Relu")
  %9 = "top.Add"(%8, %t) : (tensor<1x3x4x4xf32>, tensor<1x3x1x1xf32>) -> tensor<1x3x4x4xf32> loc("z_Add")
  return %9, %2, %4, %7 : tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>, tensor<2x5xf32>
}
// CHECK-NOT:  BatchNorm"(
// CHECK:      %[[W:.*]] = "top.Weight"() : () -> tensor<3x2x1x1xf32> loc("w")
// CHECK:      %[[F:.*]] = "top.Weight"() : () -> tensor<3x2x1x1xf32> loc("b_BatchNormalization_filter")
// CHECK:      %[[B:.*]] = "top.Weight"() : () -> tensor<3xf32> loc("b_BatchNormalization_bias")
// CHECK:      "top.Conv"(%0, %[[F]], %[[B]])
// CHECK-SAME: do_relu = true
// CHECK-SAME: loc("b_BatchNormalization")
// CHECK:      %[[C:.*]] = "top.Weight"() : () -> tensor<3xf32> loc("a_Add_bias")
// CHECK:      "top.Conv"(%0, %[[W]], %[[C]])
// CHECK-SAME: loc("a_Add")
// CHECK:      %[[G:.*]] = "top.Weight"() : () -> tensor<5x3xf32> loc("o_Mul_filter")
// CHECK:      "top.MatMul"(%1, %[[G]]
// CHECK-SAME: right_transpose = true
// CHECK-SAME: loc("o_Mul")
// CHECK:      "top.Conv"
// CHECK-SAME: loc("r_Relu")
// CHECK-NEXT: "top.Add"
