// RUN: fuse-transpose,dead-code
// The keys of an attention, whose heads stay permuted; a matrix; one whose rows a transposition would scatter; and
// keys turned before a view.
func.func @main(%arg0: tensor<1x5x2x4xf32>, %arg1: tensor<3x4xf32>) -> (tensor<1x2x3x5xf32>, tensor<3x3xf32>, tensor<4x4xf32>, tensor<1x5x3x2xf32>) {
  %k = "top.Input"(%arg0) : (tensor<1x5x2x4xf32>) -> tensor<1x5x2x4xf32> loc("k")
  %q = "top.Input"(%arg1) : (tensor<3x4xf32>) -> tensor<3x4xf32> loc("q")
  %none = "top.None"() : () -> none
  %t = "top.Permute"(%k) {order = [0, 2, 3, 1]} : (tensor<1x5x2x4xf32>) -> tensor<1x2x4x5xf32> loc("keys")
  %0 = "top.MatMul"(%q, %t, %none) : (tensor<3x4xf32>, tensor<1x2x4x5xf32>, none) -> tensor<1x2x3x5xf32> loc("scores")
  %u = "top.Permute"(%q) {order = [1, 0]} : (tensor<3x4xf32>) -> tensor<4x3xf32> loc("turned")
  %1 = "top.MatMul"(%q, %u, %none) : (tensor<3x4xf32>, tensor<4x3xf32>, none) -> tensor<3x3xf32> loc("square")
  %v = "top.Permute"(%q) {order = [1, 0]} : (tensor<3x4xf32>) -> tensor<4x3xf32> loc("left")
  %2 = "top.MatMul"(%v, %q, %none) : (tensor<4x3xf32>, tensor<3x4xf32>, none) -> tensor<4x4xf32> loc("wide")
  %d = "top.Reshape"(%k) {shape = [5, 2, 4]} : (tensor<1x5x2x4xf32>) -> tensor<5x2x4xf32> loc("dropped")
  %s = "top.Permute"(%d) {order = [0, 2, 1]} : (tensor<5x2x4xf32>) -> tensor<5x4x2xf32> loc("swapped")
  %b = "top.Reshape"(%s) {shape = [1, 5, 4, 2]} : (tensor<5x4x2xf32>) -> tensor<1x5x4x2xf32> loc("back")
  %3 = "top.MatMul"(%q, %b, %none) : (tensor<3x4xf32>, tensor<1x5x4x2xf32>, none) -> tensor<1x5x3x2xf32> loc("viewed")
  return %0, %1, %2, %3 : tensor<1x2x3x5xf32>, tensor<3x3xf32>, tensor<4x4xf32>, tensor<1x5x3x2xf32>
}
// CHECK:      %[[K:.*]] = "top.Input"
// CHECK-NEXT: %[[Q:.*]] = "top.Input"
// CHECK:      %[[ROWS:.*]] = "top.Permute"(%[[K]]) {order = [0, 2, 1, 3]} : (tensor<1x5x2x4xf32>) -> tensor<1x2x5x4xf32> loc("keys_rows")
// CHECK-NEXT: "top.MatMul"(%[[Q]], %[[ROWS]], {{.*}}right_transpose = true{{.*}} loc("scores")
// CHECK-NEXT: "top.MatMul"(%[[Q]], %[[Q]], {{.*}}right_transpose = true{{.*}} loc("square")
// CHECK-NEXT: "top.Permute"(%[[Q]])
// CHECK-NEXT: "top.MatMul"
// CHECK-SAME: right_transpose = false
// CHECK-NEXT: %[[D:.*]] = "top.Reshape"(%[[K]])
// CHECK-NEXT: %[[B:.*]] = "top.Reshape"(%[[D]]) {{.*}} -> tensor<1x5x2x4xf32> loc("back_rows")
// CHECK-NEXT: "top.MatMul"(%[[Q]], %[[B]], {{.*}}right_transpose = true{{.*}} loc("viewed")
