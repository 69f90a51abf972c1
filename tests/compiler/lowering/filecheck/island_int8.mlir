// RUN: int8
// An op without an int8 rule is computed in f32 between casts; a tensor is cast once, however many read it.
func.func @main(%arg0: tensor<4x2x!quant.calibrated<f32<-127.0:100.0>>>) -> tensor<4x2x!quant.calibrated<f32<0.0:255.0>>> {
  %x = "top.Input"(%arg0) : (tensor<4x2x!quant.calibrated<f32<-127.0:100.0>>>) -> tensor<4x2x!quant.calibrated<f32<-127.0:100.0>>> loc("x")
  %1 = "top.Relu"(%x) : (tensor<4x2x!quant.calibrated<f32<-127.0:100.0>>>) -> tensor<4x2x!quant.calibrated<f32<0.0:255.0>>> loc("a_Relu")
  %2 = "top.Max"(%1, %x) : (tensor<4x2x!quant.calibrated<f32<0.0:255.0>>>, tensor<4x2x!quant.calibrated<f32<-127.0:100.0>>>) -> tensor<4x2x!quant.calibrated<f32<0.0:255.0>>> loc("b_Max")
  %3 = "top.Min"(%1, %2) : (tensor<4x2x!quant.calibrated<f32<0.0:255.0>>>, tensor<4x2x!quant.calibrated<f32<0.0:255.0>>>) -> tensor<4x2x!quant.calibrated<f32<0.0:255.0>>> loc("c_Min")
  %4 = "top.Add"(%3, %1) : (tensor<4x2x!quant.calibrated<f32<0.0:255.0>>>, tensor<4x2x!quant.calibrated<f32<0.0:255.0>>>) -> tensor<4x2x!quant.calibrated<f32<0.0:255.0>>> loc("d_Add")
  return %4 : tensor<4x2x!quant.calibrated<f32<0.0:255.0>>>
}
// CHECK:      [[X:%\d+]] = "top.Input"
// CHECK-SAME: !quant.uniform<i8:f32, 1.000000e+00>> loc("x")
// CHECK:      [[A:%\d+]] = "tpu.Lut"([[X]]
// CHECK-SAME: !quant.uniform<u8:f32, 1.000000e+00>> loc("a_Relu")
// CHECK-NEXT: [[AF:%\d+]] = "tpu.Cast"([[A]]) {internal}
// CHECK-SAME: loc("a_Relu_f32")
// CHECK-NEXT: [[XF:%\d+]] = "tpu.Cast"([[X]]) {internal}
// CHECK-SAME: loc("x_f32")
// CHECK-NEXT: [[B:%\d+]] = "tpu.Elementwise"([[AF]], [[XF]]) {formula = "max(x0, x1)"}
// CHECK-NEXT: [[C:%\d+]] = "tpu.Elementwise"([[AF]], [[B]]) {formula = "min(x0, x1)"}
// CHECK-NEXT: [[CI:%\d+]] = "tpu.Elementwise"([[C]]) {formula = "round((x0 * 1.0))", internal}
// CHECK-SAME: loc("c_Min_int8")
// CHECK-NEXT: "tpu.RescaleAdd"([[CI]], [[A]]) {do_relu = false, multipliers = [16384, 16384], relu_limit = -1.000000e+00 : f64, rshift = 14 : i64}
