// RUN: int8
// A table that indices pick rows of is stored in the result's scale, and picked as bytes; the indices are no numbers.
func.func @main(%arg0: tensor<1x3xsi64>) -> tensor<1x3x4x!quant.calibrated<f32<-127.0:127.0>>> {
  %i = "top.Input"(%arg0) : (tensor<1x3xsi64>) -> tensor<1x3xsi64> loc("ids")
  %w = "top.Weight"() : () -> tensor<9x4xf32> loc("w")
  %1 = "top.Gather"(%w, %i) {axis = 0 : i64} : (tensor<9x4xf32>, tensor<1x3xsi64>) -> tensor<1x3x4x!quant.calibrated<f32<-127.0:127.0>>> loc("g_Gather")
  return %1 : tensor<1x3x4x!quant.calibrated<f32<-127.0:127.0>>>
}
// CHECK:      [[I:%\d+]] = "top.Input"
// CHECK-SAME: -> tensor<1x3xsi32>
// CHECK:      [[W:%\d+]] = "top.Weight"() : () -> tensor<1x9x4x!quant.uniform<i8:f32, 1.000000e+00>>
// CHECK:      "tpu.Gather"([[W]], %{{.*}}) {axis = 1 : i64
// CHECK-SAME: -> tensor<1x3x4x!quant.uniform<i8:f32, 1.000000e+00>>
