// RUN: fuse-gelu,dead-code
// Two spellings by erf, one by tanh; and half of x times the gate of another tensor, which is none.
func.func @main(%arg0: tensor<4xf32>, %arg1: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %x = "top.Input"(%arg0) : (tensor<4xf32>) -> tensor<4xf32> loc("x")
  %y = "top.Input"(%arg1) : (tensor<4xf32>) -> tensor<4xf32> loc("y")
  %d = "top.DivConst"(%x) {const_val = 1.4142135381698608 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("d")
  %e = "top.Erf"(%d) : (tensor<4xf32>) -> tensor<4xf32> loc("e")
  %g = "top.AddConst"(%e) {const_val = 1.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("g")
  %m = "top.Mul"(%x, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("m")
  %0 = "top.MulConst"(%m) {const_val = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("torch")
  %h = "top.DivConst"(%x) {const_val = 2.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("h")
  %1 = "top.Mul"(%g, %h) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("early")
  %c = "top.Pow"(%x) {exponent = 3.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("c")
  %s = "top.MulConst"(%c) {const_val = 0.044715 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("s")
  %a = "top.Add"(%x, %s) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("a")
  %r = "top.MulConst"(%a) {const_val = 0.7978845834732056 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("r")
  %t = "top.Tanh"(%r) : (tensor<4xf32>) -> tensor<4xf32> loc("t")
  %p = "top.AddConst"(%t) {const_val = 1.0 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("p")
  %q = "top.MulConst"(%x) {const_val = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("q")
  %2 = "top.Mul"(%q, %p) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("gpt")
  %n = "top.Mul"(%y, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("n")
  %3 = "top.MulConst"(%n) {const_val = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32> loc("other")
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
// CHECK:     %[[X:.*]] = "top.Input"
// CHECK:     "top.GELU"(%[[X]]) {approx_mode = "normal"} : (tensor<4xf32>) -> tensor<4xf32> loc("torch")
// CHECK:     "top.GELU"(%[[X]]) {approx_mode = "normal"} : (tensor<4xf32>) -> tensor<4xf32> loc("early")
// CHECK:     "top.GELU"(%[[X]]) {approx_mode = "tanh"} : (tensor<4xf32>) -> tensor<4xf32> loc("gpt")
// CHECK:     "top.MulConst"
// CHECK-SAME: loc("other")
