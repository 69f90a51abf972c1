// RUN: bf16
// Arguments, results and weights are bf16, the bias stays f32; more axes than two are a view.
func.func @main(%arg0: tensor<2x3x4xf32>) -> tensor<2x3x5xf32> {
  %x = "top.Input"(%arg0) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32> loc("x")
  %w = "top.Weight"() : () -> tensor<4x5xf32> loc("w")
  %b = "top.Weight"() : () -> tensor<5xf32> loc("b")
  %1 = "top.MatMul"(%x, %w, %b) : (tensor<2x3x4xf32>, tensor<4x5xf32>, tensor<5xf32>) -> tensor<2x3x5xf32> loc("y_MatMul")
  return %1 : tensor<2x3x5xf32>
}
// CHECK:      func.func @main(%arg0: tensor<2x3x4xbf16>
// CHECK-SAME: -> tensor<2x3x5xbf16>
// CHECK:      "tpu.Reshape"(%0) {internal} : (tensor<2x3x4xbf16>) -> tensor<6x4xbf16> loc("y_MatMul_rows")
// CHECK:      -> tensor<1x5x4x1xbf16> loc("y_MatMul_right")
// CHECK:      -> tensor<1x5x1x1xf32> loc("y_MatMul_params")
// CHECK:      "tpu.MatMul"
// CHECK-SAME: internal
// CHECK-SAME: loc("y_MatMul_matrix")
// CHECK-NEXT: "tpu.Reshape"
// CHECK-SAME: -> tensor<2x3x5xbf16> loc("y_MatMul")
