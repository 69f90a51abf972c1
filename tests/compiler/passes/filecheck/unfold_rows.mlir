// RUN: unfold-rows,dead-code
// Rows of (2, 3, ·): the first MatMul's are taken apart by a view of other extents, which it keeps; the second takes the
// place of a view that is its result; the third's stay one axis, for something else reads them too.
func.func @main(%arg0: tensor<2x3x4xf32>) -> (tensor<2x3x2x2xf32>, tensor<2x3x5xf32>, tensor<2x3x5xf32>, tensor<6x5xf32>) {
  %x = "top.Input"(%arg0) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32> loc("x")
  %v = "top.Weight"() : () -> tensor<4x4xf32> loc("v")
  %w = "top.Weight"() : () -> tensor<4x5xf32> loc("w")
  %n = "top.None"() : () -> none loc("n")
  %0 = "top.Reshape"(%x) {shape = [6, 4]} : (tensor<2x3x4xf32>) -> tensor<6x4xf32> loc("rows")
  %1 = "top.MatMul"(%0, %v, %n) : (tensor<6x4xf32>, tensor<4x4xf32>, none) -> tensor<6x4xf32> loc("a")
  %2 = "top.Reshape"(%1) {shape = [2, 3, 2, 2]} : (tensor<6x4xf32>) -> tensor<2x3x2x2xf32> loc("heads")
  %3 = "top.Reshape"(%2) {shape = [6, 4]} : (tensor<2x3x2x2xf32>) -> tensor<6x4xf32> loc("again")
  %4 = "top.MatMul"(%3, %w, %n) : (tensor<6x4xf32>, tensor<4x5xf32>, none) -> tensor<6x5xf32> loc("b")
  %5 = "top.Reshape"(%4) {shape = [2, 3, 5]} : (tensor<6x5xf32>) -> tensor<2x3x5xf32> loc("apart")
  %6 = "top.MatMul"(%0, %w, %n) : (tensor<6x4xf32>, tensor<4x5xf32>, none) -> tensor<6x5xf32> loc("c")
  %7 = "top.Reshape"(%6) {shape = [2, 3, 5]} : (tensor<6x5xf32>) -> tensor<2x3x5xf32> loc("one")
  return %2, %5, %7, %6 : tensor<2x3x2x2xf32>, tensor<2x3x5xf32>, tensor<2x3x5xf32>, tensor<6x5xf32>
}
// CHECK:      %[[X:.*]] = "top.Input"
// CHECK:      %[[ROWS:.*]] = "top.Reshape"(%[[X]])
// CHECK-SAME: loc("rows")
// CHECK-NEXT: %[[A:.*]] = "top.MatMul"(%[[X]]
// CHECK-SAME: -> tensor<2x3x4xf32> loc("a")
// CHECK-NEXT: %[[HEADS:.*]] = "top.Reshape"(%[[A]])
// CHECK-SAME: loc("heads")
// CHECK-NEXT: %[[AGAIN:.*]] = "top.Reshape"(%[[HEADS]])
// CHECK-SAME: shape = [2, 3, 4]
// CHECK-SAME: loc("again_unfolded")
// CHECK-NEXT: %[[B:.*]] = "top.MatMul"(%[[AGAIN]]
// CHECK-SAME: -> tensor<2x3x5xf32> loc("apart")
// CHECK-NEXT: %[[C:.*]] = "top.MatMul"(%[[ROWS]]
// CHECK-SAME: -> tensor<6x5xf32> loc("c")
// CHECK-NEXT: %[[ONE:.*]] = "top.Reshape"(%[[C]])
// CHECK-NEXT: return %[[HEADS]], %[[B]], %[[ONE]], %[[C]]
