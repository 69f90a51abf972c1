// RUN: f16
// Between the f16 operand and the f16 result a softmax is f32.
func.func @main(%arg0: tensor<1x10xf32>) -> tensor<1x10xf32> {
  %x = "top.Input"(%arg0) : (tensor<1x10xf32>) -> tensor<1x10xf32> loc("x")
  %1 = "top.Softmax"(%x) {axis = 1 : si32} : (tensor<1x10xf32>) -> tensor<1x10xf32> loc("y_Softmax")
  return %1 : tensor<1x10xf32>
}
// CHECK:      "tpu.Reshape"(%0) {internal} : (tensor<1x10xf16>) -> tensor<1x1x10x1xf16> loc("y_Softmax_in")
// CHECK-NEXT: function = "max"
// CHECK-SAME: -> tensor<1x1x1x1xf16> loc("y_Softmax_max")
// CHECK-NEXT: "tpu.Elementwise"(%1, %2) {formula = "exp((x0 - x1))", internal}
// CHECK-SAME: -> tensor<1x1x10x1xf32> loc("y_Softmax_exp")
// CHECK-NEXT: function = "sum"
// CHECK-SAME: -> tensor<1x1x1x1xf32> loc("y_Softmax_sum")
// CHECK-NEXT: "tpu.Elementwise"(%3, %4) {formula = "(x0 / x1)", internal}
// CHECK-SAME: -> tensor<1x1x10x1xf16> loc("y_Softmax_div")
// CHECK-NEXT: "tpu.Reshape"(%5)
// CHECK-SAME: -> tensor<1x10xf16> loc("y_Softmax")
