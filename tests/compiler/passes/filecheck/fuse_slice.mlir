// RUN: fuse-slice,remove-identity,dead-code
// Channels of two heads, cut where they were joined, behind a view and a Concat of pixels; rows across both operands;
// and one that something else reads as a whole.
func.func @main(%arg0: tensor<1x4x2x3xf32>, %arg1: tensor<1x6x2x3xf32>, %arg2: tensor<1x10x5xf32>) -> (tensor<1x4x11xf32>, tensor<1x6x11xf32>, tensor<1x4x2x3xf32>, tensor<1x10x2x3xf32>) {
  %a = "top.Input"(%arg0) : (tensor<1x4x2x3xf32>) -> tensor<1x4x2x3xf32> loc("a")
  %b = "top.Input"(%arg1) : (tensor<1x6x2x3xf32>) -> tensor<1x6x2x3xf32> loc("b")
  %c = "top.Input"(%arg2) : (tensor<1x10x5xf32>) -> tensor<1x10x5xf32> loc("c")
  %0 = "top.Concat"(%a, %b) {axis = 1 : si32} : (tensor<1x4x2x3xf32>, tensor<1x6x2x3xf32>) -> tensor<1x10x2x3xf32> loc("joined")
  %1 = "top.Reshape"(%0) {shape = [1, 10, 6]} : (tensor<1x10x2x3xf32>) -> tensor<1x10x6xf32> loc("flat")
  %2 = "top.Concat"(%1, %c) {axis = 2 : si32} : (tensor<1x10x6xf32>, tensor<1x10x5xf32>) -> tensor<1x10x11xf32> loc("cells")
  %3 = "top.Slice"(%2) {offset = [0, 0, 0], ends = [1, 4, 11], steps = [1, 1, 1]} : (tensor<1x10x11xf32>) -> tensor<1x4x11xf32> loc("sides")
  %4 = "top.Slice"(%2) {offset = [0, 4, 0], ends = [1, 10, 11], steps = [1, 1, 1]} : (tensor<1x10x11xf32>) -> tensor<1x6x11xf32> loc("scores")
  %5 = "top.Concat"(%b, %a) {axis = 1 : si32} : (tensor<1x6x2x3xf32>, tensor<1x4x2x3xf32>) -> tensor<1x10x2x3xf32> loc("kept")
  %6 = "top.Slice"(%5) {offset = [0, 4, 0, 0], ends = [1, 8, 2, 3], steps = [1, 1, 1, 1]} : (tensor<1x10x2x3xf32>) -> tensor<1x4x2x3xf32> loc("across")
  return %3, %4, %6, %5 : tensor<1x4x11xf32>, tensor<1x6x11xf32>, tensor<1x4x2x3xf32>, tensor<1x10x2x3xf32>
}
// CHECK:      %[[A:.*]] = "top.Input"
// CHECK-NEXT: %[[B:.*]] = "top.Input"
// CHECK-NEXT: %[[C:.*]] = "top.Input"
// CHECK-NEXT: %[[A0:.*]] = "top.Reshape"(%[[A]]) {{.*}} -> tensor<1x4x6xf32>
// CHECK-NEXT: %[[A1:.*]] = "top.Slice"(%[[C]]) {{.*}} -> tensor<1x4x5xf32>
// CHECK-NEXT: "top.Concat"(%[[A0]], %[[A1]]) {axis = 2 : si32} {{.*}} loc("sides")
// CHECK-NEXT: %[[B0:.*]] = "top.Reshape"(%[[B]]) {{.*}} -> tensor<1x6x6xf32>
// CHECK-NEXT: %[[B1:.*]] = "top.Slice"(%[[C]]) {{.*}} -> tensor<1x6x5xf32>
// CHECK-NEXT: "top.Concat"(%[[B0]], %[[B1]]) {axis = 2 : si32} {{.*}} loc("scores")
// CHECK-NEXT: %[[KEPT:.*]] = "top.Concat"
// CHECK-NEXT: "top.Slice"(%[[KEPT]]) {{.*}} loc("across")
