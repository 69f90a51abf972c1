// RUN: constant-operands,dead-code
// WEIGHT: three = [3.0]
// A number on either side becomes an attribute; not where it would lend the result its rank.
func.func @main(%arg0: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<1x4xf32>) {
  %0 = "top.Input"(%arg0) : (tensor<4xf32>) -> tensor<4xf32> loc("x")
  %w = "top.Weight"() : () -> tensor<1xf32> loc("three")
  %v = "top.Weight"() : () -> tensor<1x1xf32> loc("rank2")
  %1 = "top.Add"(%w, %0) {do_relu = true} : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32> loc("a_Add")
  %2 = "top.Sub"(%w, %0) : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32> loc("b_Sub")
  %3 = "top.Div"(%w, %0) : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32> loc("c_Div")
  %4 = "top.Min"(%0, %w) : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32> loc("d_Min")
  %5 = "top.Mul"(%0, %v) : (tensor<4xf32>, tensor<1x1xf32>) -> tensor<1x4xf32> loc("e_Mul")
  return %1, %2, %3, %4, %5 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<1x4xf32>
}
// CHECK-NOT:  loc("three")
// CHECK:      "top.AddConst"(%0) {const_val = 3.000000e+00 : f64, do_relu = true
// CHECK:      "top.SubConst"(%0)
// CHECK-SAME: is_reverse = true
// CHECK:      "top.Reciprocal"(%0) {const_val = 3.000000e+00 : f64
// CHECK:      "top.MinConst"(%0) {const_val = 3.000000e+00 : f64}
// CHECK:      "top.Mul"
