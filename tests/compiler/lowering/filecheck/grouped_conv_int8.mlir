// RUN: int8
// Two groups of two channels: slices, dense convolutions, a Concat, all in one scale.
func.func @main(%arg0: tensor<1x4x2x2x!quant.calibrated<f32<0.0:255.0>>>) -> tensor<1x2x2x2x!quant.calibrated<f32<-127.0:127.0>>> {
  %x = "top.Input"(%arg0) : (tensor<1x4x2x2x!quant.calibrated<f32<0.0:255.0>>>) -> tensor<1x4x2x2x!quant.calibrated<f32<0.0:255.0>>> loc("x")
  %f = "top.Weight"() : () -> tensor<2x2x1x1xf32> loc("f")
  %b = "top.None"() : () -> none
  %1 = "top.Conv"(%x, %f, %b) {group = 2 : i64, kernel_shape = [1, 1]} : (tensor<1x4x2x2x!quant.calibrated<f32<0.0:255.0>>>, tensor<2x2x1x1xf32>, none) -> tensor<1x2x2x2x!quant.calibrated<f32<-127.0:127.0>>> loc("y_Conv")
  return %1 : tensor<1x2x2x2x!quant.calibrated<f32<-127.0:127.0>>>
}
// CHECK:      "tpu.Slice"(%0) {internal, offset = [0, 0, 0, 0], steps = [1, 1, 1, 1]}
// CHECK-SAME: loc("y_Conv_in0")
// CHECK:      -> tensor<1x1x2x1xi8> loc("y_Conv_filter0")
// CHECK-NEXT: -> tensor<1x1x1x3xi32> loc("y_Conv_params0")
// CHECK-NEXT: [[A:%\d+]] = "tpu.Conv"
// CHECK-SAME: internal
// CHECK-SAME: loc("y_Conv_group0")
// CHECK-NEXT: "tpu.Slice"(%0) {internal, offset = [0, 2, 0, 0], steps = [1, 1, 1, 1]}
// CHECK:      [[B:%\d+]] = "tpu.Conv"
// CHECK-SAME: loc("y_Conv_group1")
// CHECK-NEXT: "tpu.Concat"([[A]], [[B]]) {axis = 1 : i64}
// CHECK-SAME: -> tensor<1x2x2x2x!quant.uniform<i8:f32, 1.000000e+00>> loc("y_Conv")
