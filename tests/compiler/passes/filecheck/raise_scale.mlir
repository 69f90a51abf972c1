// RUN: raise-scale,dead-code
// The queries of an attention, scaled behind the permutation of their heads; and what no weights are behind of.
func.func @main(%arg0: tensor<3x4xf32>) -> (tensor<2x3x2xf32>, tensor<4x3xf32>) {
  %x = "top.Input"(%arg0) : (tensor<3x4xf32>) -> tensor<3x4xf32> loc("x")
  %w = "top.Weight"() : () -> tensor<4x4xf32> loc("w")
  %none = "top.None"() : () -> none
  %q = "top.MatMul"(%x, %w, %none) : (tensor<3x4xf32>, tensor<4x4xf32>, none) -> tensor<3x4xf32> loc("queries")
  %r = "top.Reshape"(%q) {shape = [3, 2, 2]} : (tensor<3x4xf32>) -> tensor<3x2x2xf32> loc("split")
  %p = "top.Permute"(%r) {order = [1, 0, 2]} : (tensor<3x2x2xf32>) -> tensor<2x3x2xf32> loc("heads")
  %0 = "top.MulConst"(%p) {const_val = 0.5 : f64} : (tensor<2x3x2xf32>) -> tensor<2x3x2xf32> loc("scaled")
  %t = "top.Permute"(%x) {order = [1, 0]} : (tensor<3x4xf32>) -> tensor<4x3xf32> loc("turned")
  %1 = "top.DivConst"(%t) {const_val = 4.0 : f64} : (tensor<4x3xf32>) -> tensor<4x3xf32> loc("fed")
  return %0, %1 : tensor<2x3x2xf32>, tensor<4x3xf32>
}
// CHECK:      %[[Q:.*]] = "top.MatMul"
// CHECK-NEXT: %[[S:.*]] = "top.MulConst"(%[[Q]]) {{.*}} loc("scaled_scaled_scaled")
// CHECK-NEXT: %[[R:.*]] = "top.Reshape"(%[[S]]) {{.*}} loc("scaled_scaled")
// CHECK-NEXT: "top.Permute"(%[[R]]) {{.*}} loc("scaled")
// CHECK-NEXT: "top.Permute"
// CHECK-NEXT: "top.DivConst"
