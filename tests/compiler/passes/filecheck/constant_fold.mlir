// RUN: constant-fold{elements=6}
// Ops on weights alone become weights; one that would make more than six elements stays.
func.func @main(%arg0: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<4x3xf32>) {
  %0 = "top.Input"(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32> loc("x")
  %w = "top.Weight"() : () -> tensor<3x2xf32> loc("w")
  %1 = "top.Permute"(%w) {order = [1, 0]} : (tensor<3x2xf32>) -> tensor<2x3xf32> loc("p_Transpose")
  %2 = "top.Exp"(%1) : (tensor<2x3xf32>) -> tensor<2x3xf32> loc("e_Exp")
  %3 = "top.Add"(%0, %2) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32> loc("a_Add")
  %4 = "top.Concat"(%2, %2) {axis = 0 : si32} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32> loc("c_Concat")
  return %3, %4 : tensor<2x3xf32>, tensor<4x3xf32>
}
// CHECK-NOT:  "top.Exp"
// CHECK:      %[[W:.*]] = "top.Weight"() : () -> tensor<2x3xf32> loc("e_Exp")
// CHECK-NEXT: "top.Add"(%{{.*}}, %[[W]])
// CHECK-NEXT: "top.Concat"
