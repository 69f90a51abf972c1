// RUN: fuse-swish,dead-code
// Four spellings of HardSwish, one of HardSigmoid, one of SiLU; and a gate of another tensor, which is none of them.
func.func @main(%arg0: tensor<4xf32>, %arg1: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %x = "top.Input"(%arg0) : (tensor<4xf32>) -> tensor<4xf32> loc("x")
  %a = "top.AddConst"(%x) {const_val = 3.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("add")
  %c = "top.Clip"(%a) {min = 0.0 : f64, max = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("clip")
  %m = "top.Mul"(%x, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("mul")
  %1 = "top.DivConst"(%m) {const_val = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("paddle")
  %r = "top.Relu"(%a) {relu_limit = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("relu6")
  %d = "top.MulConst"(%r) {const_val = 0.1666666716337204 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("sixth")
  %2 = "top.Mul"(%d, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("torch")
  %p = "top.DivConst"(%x) {const_val = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("divided")
  %3 = "top.Mul"(%p, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("early")
  %h = "top.HardSigmoid"(%x) {alpha = 0.16666667 : f64, beta = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("gate")
  %4 = "top.Mul"(%x, %h) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("named")
  %b = "top.AddConst"(%x) {const_val = 1.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("one")
  %e = "top.Clip"(%b) {min = 0.0 : f64, max = 4.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("four")
  %5 = "top.DivConst"(%e) {const_val = 4.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("hard")
  %s = "top.Sigmoid"(%x) : (tensor<4xf32>) -> tensor<4xf32> loc("sigmoid")
  %6 = "top.Mul"(%x, %s) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("silu")
  %y = "top.Input"(%arg1) : (tensor<4xf32>) -> tensor<4xf32> loc("y")
  %n = "top.Mul"(%y, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("product")
  %7 = "top.DivConst"(%n) {const_val = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("other")
  return %7, %1, %2, %3, %4, %5, %6 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
// CHECK:      %[[X:.*]] = "top.Input"
// CHECK:      "top.Clip"
// CHECK:      "top.HardSwish"(%[[X]]) : (tensor<4xf32>) -> tensor<4xf32> loc("paddle")
// CHECK-NEXT: "top.HardSwish"(%[[X]]) : (tensor<4xf32>) -> tensor<4xf32> loc("torch")
// CHECK-NEXT: "top.HardSwish"(%[[X]]) : (tensor<4xf32>) -> tensor<4xf32> loc("early")
// CHECK-NEXT: "top.HardSwish"(%[[X]]) : (tensor<4xf32>) -> tensor<4xf32> loc("named")
// CHECK-NEXT: "top.HardSigmoid"(%[[X]]) {alpha = 2.500000e-01 : f64, beta = 2.500000e-01 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("hard")
// CHECK-NEXT: "top.SiLU"(%[[X]]) : (tensor<4xf32>) -> tensor<4xf32> loc("silu")
// CHECK:      "top.DivConst"
// CHECK-SAME: loc("other")
