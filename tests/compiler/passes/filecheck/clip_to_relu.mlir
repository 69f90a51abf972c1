// RUN: clip-to-relu
// A Clip from 0 is a Relu, one without an upper bound too; a Clip from elsewhere stays.
func.func @main(%arg0: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %x = "top.Input"(%arg0) : (tensor<4xf32>) -> tensor<4xf32> loc("x")
  %1 = "top.Clip"(%x) {min = 0.0 : f64, max = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("a_Clip")
  %2 = "top.Clip"(%x) {min = 0.0 : f64, max = 0x7FF0000000000000 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("b_Clip")
  %3 = "top.MaxConst"(%x) {const_val = 0.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("c_Max")
  %4 = "top.Clip"(%x) {min = -1.0 : f64, max = 1.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("d_Clip")
  return %1, %2, %3, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
// CHECK:      "top.Relu"(%0) {relu_limit = 6.000000e+00 : f64}
// CHECK-SAME: loc("a_Clip")
// CHECK:      "top.Relu"(%0) {relu_limit = -1.000000e+00 : f64}
// CHECK-SAME: loc("b_Clip")
// CHECK:      "top.Relu"(%0) {relu_limit = -1.000000e+00 : f64}
// CHECK-SAME: loc("c_Max")
// CHECK:      "top.Clip"
