// RUN: int8
// A Concat gives its scale to an operand that only it reads; the other one goes through a table.
func.func @main(%arg0: tensor<1x2x!quant.calibrated<f32<-127.0:127.0>>>) -> (tensor<1x4x!quant.calibrated<f32<-1.0:1.0>>>, tensor<1x2x!quant.calibrated<f32<0.0:255.0>>>) {
  %x = "top.Input"(%arg0) : (tensor<1x2x!quant.calibrated<f32<-127.0:127.0>>>) -> tensor<1x2x!quant.calibrated<f32<-127.0:127.0>>> loc("x")
  %1 = "top.Tanh"(%x) : (tensor<1x2x!quant.calibrated<f32<-127.0:127.0>>>) -> tensor<1x2x!quant.calibrated<f32<-100.0:1.0>>> loc("a_Tanh")
  %2 = "top.Relu"(%x) : (tensor<1x2x!quant.calibrated<f32<-127.0:127.0>>>) -> tensor<1x2x!quant.calibrated<f32<0.0:255.0>>> loc("b_Relu")
  %3 = "top.Concat"(%1, %2) {axis = 1 : si32} : (tensor<1x2x!quant.calibrated<f32<-100.0:1.0>>>, tensor<1x2x!quant.calibrated<f32<0.0:255.0>>>) -> tensor<1x4x!quant.calibrated<f32<-254.0:200.0>>> loc("c_Concat")
  %4 = "top.Tanh"(%3) : (tensor<1x4x!quant.calibrated<f32<-254.0:200.0>>>) -> tensor<1x4x!quant.calibrated<f32<-1.0:1.0>>> loc("d_Tanh")
  return %4, %2 : tensor<1x4x!quant.calibrated<f32<-1.0:1.0>>>, tensor<1x2x!quant.calibrated<f32<0.0:255.0>>>
}
// CHECK:      [[A:%\d+]] = "tpu.Lut"
// CHECK-SAME: !quant.uniform<i8:f32, 2.000000e+00>> loc("a_Tanh")
// CHECK:      [[B:%\d+]] = "tpu.Lut"
// CHECK-SAME: !quant.uniform<u8:f32, 1.000000e+00>> loc("b_Relu")
// CHECK:      [[C:%\d+]] = "tpu.Lut"([[B]]
// CHECK-SAME: {internal}
// CHECK-SAME: !quant.uniform<i8:f32, 2.000000e+00>> loc("b_Relu_for_c_Concat")
// CHECK-NEXT: "tpu.Concat"([[A]], [[C]])
// CHECK-NEXT: "top.Weight"
// CHECK-NEXT: "tpu.Lut"
