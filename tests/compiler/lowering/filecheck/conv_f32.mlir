// RUN: f32
// Weights take the chip's layout, the bias becomes params, nothing is inserted.
func.func @main(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x3x4x4xf32> {
  %x = "top.Input"(%arg0) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("x")
  %f = "top.Weight"() : () -> tensor<3x2x3x3xf32> loc("f")
  %b = "top.Weight"() : () -> tensor<3xf32> loc("b")
  %1 = "top.Conv"(%x, %f, %b) {kernel_shape = [3, 3], pads = [1, 1, 1, 1], do_relu = true, relu_limit = 6.0 : f64} : (tensor<1x2x4x4xf32>, tensor<3x2x3x3xf32>, tensor<3xf32>) -> tensor<1x3x4x4xf32> loc("y_Conv")
  return %1 : tensor<1x3x4x4xf32>
}
// CHECK:      module attributes {module.mode = "F32", module.state = "TPU_LOWERED"
// CHECK:      "top.Input"
// CHECK-NEXT: "top.Weight"() : () -> tensor<1x3x1x1xf32> loc("y_Conv_params")
// CHECK-NEXT: "top.Weight"() : () -> tensor<1x3x2x9xf32> loc("y_Conv_filter")
// CHECK-NEXT: "tpu.Conv"(%0, %2, %1) {dilations = [1, 1], do_relu = true, group = 1 : i64, kernel_shape = [3, 3], pads = [1, 1, 1, 1], relu_limit = 6.000000e+00 : f64, strides = [1, 1]}
// CHECK-SAME: loc("y_Conv")
// CHECK-NEXT: return
