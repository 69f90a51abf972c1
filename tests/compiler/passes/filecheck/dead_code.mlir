// RUN: dead-code
// Nothing reads the sum, so it goes, and then its weight; an input stays, read or not.
func.func @main(%arg0: tensor<4xf32>, %arg1: tensor<4xf32>) -> tensor<4xf32> {
  %x = "top.Input"(%arg0) : (tensor<4xf32>) -> tensor<4xf32> loc("x")
  %y = "top.Input"(%arg1) : (tensor<4xf32>) -> tensor<4xf32> loc("y")
  %w = "top.Weight"() : () -> tensor<4xf32> loc("w")
  %1 = "top.Add"(%y, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("a_Add")
  %2 = "top.Exp"(%1) : (tensor<4xf32>) -> tensor<4xf32> loc("e_Exp")
  %3 = "top.Exp"(%x) : (tensor<4xf32>) -> tensor<4xf32> loc("f_Exp")
  return %3 : tensor<4xf32>
}
// CHECK:      "top.Input"(%arg0)
// CHECK-NEXT: "top.Input"(%arg1)
// CHECK-NEXT: "top.Exp"(%0)
// CHECK-SAME: loc("f_Exp")
// CHECK-NEXT: return
