// RUN: int8
// The operands of a Concat that only the caller reads keep their scales: its type is by axis, signed steps moved to u8.
func.func @main(%arg0: tensor<1x2x!quant.calibrated<f32<-127.0:127.0>>>) -> (tensor<1x4x!quant.calibrated<f32<-254.0:200.0>>>, tensor<1x2x!quant.calibrated<f32<0.0:255.0>>>) {
  %x = "top.Input"(%arg0) : (tensor<1x2x!quant.calibrated<f32<-127.0:127.0>>>) -> tensor<1x2x!quant.calibrated<f32<-127.0:127.0>>> loc("x")
  %1 = "top.Tanh"(%x) : (tensor<1x2x!quant.calibrated<f32<-127.0:127.0>>>) -> tensor<1x2x!quant.calibrated<f32<-1.0:1.0>>> loc("a_Tanh")
  %2 = "top.Relu"(%x) : (tensor<1x2x!quant.calibrated<f32<-127.0:127.0>>>) -> tensor<1x2x!quant.calibrated<f32<0.0:255.0>>> loc("b_Relu")
  %3 = "top.Concat"(%1, %2) {axis = 1 : si32} : (tensor<1x2x!quant.calibrated<f32<-1.0:1.0>>>, tensor<1x2x!quant.calibrated<f32<0.0:255.0>>>) -> tensor<1x4x!quant.calibrated<f32<-254.0:200.0>>> loc("c_Concat")
  return %3, %2 : tensor<1x4x!quant.calibrated<f32<-254.0:200.0>>>, tensor<1x2x!quant.calibrated<f32<0.0:255.0>>>
}
// CHECK:      [[A:%\d+]] = "tpu.Lut"
// CHECK-SAME: !quant.uniform<u8:f32, 0.0078740157480314959:128>> loc("a_Tanh")
// CHECK:      [[B:%\d+]] = "tpu.Lut"
// CHECK-SAME: !quant.uniform<u8:f32, 1.000000e+00>> loc("b_Relu")
// CHECK-NEXT: "tpu.Concat"([[A]], [[B]])
// CHECK-SAME: !quant.uniform<u8:f32:1, {0.0078740157480314959:128,0.0078740157480314959:128,1.000000e+00,1.000000e+00}>>
// CHECK-NEXT: return
