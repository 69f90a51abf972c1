// RUN: fuse-norm,dead-code
// A layer normalisation, an RMS normalisation by an inverse; and a mean over an axis before the last, which is none.
func.func @main(%arg0: tensor<2x3x4xf32>) -> (tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>) {
  %x = "top.Input"(%arg0) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32> loc("x")
  %w = "top.Weight"() : () -> tensor<4xf32> loc("w")
  %b = "top.Weight"() : () -> tensor<4xf32> loc("b")
  %m = "top.Reduce"(%x) {axes = [2], keepdims = true, mode = "ReduceMean"} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32> loc("m")
  %c = "top.Sub"(%x, %m) : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32> loc("c")
  %p = "top.Pow"(%c) {exponent = 2.0 : f64} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32> loc("p")
  %v = "top.Reduce"(%p) {axes = [2], keepdims = true, mode = "ReduceMean"} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32> loc("v")
  %e = "top.AddConst"(%v) {const_val = 0.25 : f64} : (tensor<2x3x1xf32>) -> tensor<2x3x1xf32> loc("e")
  %s = "top.Sqrt"(%e) : (tensor<2x3x1xf32>) -> tensor<2x3x1xf32> loc("s")
  %d = "top.Div"(%c, %s) : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32> loc("d")
  %y = "top.Mul"(%d, %w) : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32> loc("y")
  %0 = "top.Add"(%y, %b) : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32> loc("layer")
  %q = "top.Mul"(%x, %x) : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32> loc("q")
  %r = "top.Reduce"(%q) {axes = [2], keepdims = true, mode = "ReduceMean"} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32> loc("r")
  %f = "top.AddConst"(%r) {const_val = 0.5 : f64} : (tensor<2x3x1xf32>) -> tensor<2x3x1xf32> loc("f")
  %g = "top.Sqrt"(%f) : (tensor<2x3x1xf32>) -> tensor<2x3x1xf32> loc("g")
  %i = "top.Reciprocal"(%g) : (tensor<2x3x1xf32>) -> tensor<2x3x1xf32> loc("i")
  %j = "top.Mul"(%x, %i) : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32> loc("j")
  %1 = "top.Mul"(%w, %j) : (tensor<4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32> loc("rms")
  %k = "top.Reduce"(%q) {axes = [1], keepdims = true, mode = "ReduceMean"} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32> loc("k")
  %l = "top.AddConst"(%k) {const_val = 0.5 : f64} : (tensor<2x1x4xf32>) -> tensor<2x1x4xf32> loc("l")
  %n = "top.Sqrt"(%l) : (tensor<2x1x4xf32>) -> tensor<2x1x4xf32> loc("n")
  %2 = "top.Div"(%x, %n) : (tensor<2x3x4xf32>, tensor<2x1x4xf32>) -> tensor<2x3x4xf32> loc("across")
  return %0, %1, %2 : tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>
}
// CHECK:     %[[X:.*]] = "top.Input"
// CHECK:     "top.LayerNorm"(%[[X]], {{.*}}axis = 2 : si32, eps = 2.500000e-01 : f64{{.*}}(tensor<2x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32> loc("layer")
// CHECK:     "top.RMSNorm"(%[[X]], {{.*}}axis = 2 : si32, eps = 5.000000e-01 : f64{{.*}}(tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32> loc("rms")
// CHECK:     "top.Div"
// CHECK-SAME: loc("across")
