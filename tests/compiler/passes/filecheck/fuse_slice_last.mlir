// RUN: fuse-slice,remove-identity,dead-code
// The last of steps that were joined, seen anew twice and turned: what a recurrent layer's last output is made of.
func.func @main(%arg0: tensor<2x4xf32>, %arg1: tensor<2x4xf32>, %arg2: tensor<2x4xf32>) -> (tensor<2x1x4xf32>) {
  %a = "top.Input"(%arg0) : (tensor<2x4xf32>) -> tensor<2x4xf32> loc("a")
  %b = "top.Input"(%arg1) : (tensor<2x4xf32>) -> tensor<2x4xf32> loc("b")
  %c = "top.Input"(%arg2) : (tensor<2x4xf32>) -> tensor<2x4xf32> loc("c")
  %0 = "top.Concat"(%a, %b, %c) {axis = 0 : si32} : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<6x4xf32> loc("steps")
  %1 = "top.Reshape"(%0) {shape = [6, 1, 4]} : (tensor<6x4xf32>) -> tensor<6x1x4xf32> loc("one")
  %2 = "top.Reshape"(%1) {shape = [6, 1, 1, 4]} : (tensor<6x1x4xf32>) -> tensor<6x1x1x4xf32> loc("two")
  %3 = "top.Permute"(%2) {order = [1, 0, 2, 3]} : (tensor<6x1x1x4xf32>) -> tensor<1x6x1x4xf32> loc("turned")
  %4 = "top.Slice"(%3) {offset = [0, 4, 0, 0], ends = [1, 6, 1, 4], steps = [1, 1, 1, 1]} : (tensor<1x6x1x4xf32>) -> tensor<1x2x1x4xf32> loc("last")
  %5 = "top.Reshape"(%4) {shape = [2, 1, 4]} : (tensor<1x2x1x4xf32>) -> tensor<2x1x4xf32> loc("result")
  return %5 : tensor<2x1x4xf32>
}
// CHECK-NOT:  "top.Concat"
// CHECK:      %[[C:.*]] = "top.Input"{{.*}} loc("c")
// CHECK-NEXT: %[[R:.*]] = "top.Reshape"(%[[C]]) {{.*}} -> tensor<2x1x1x4xf32>
// CHECK-NEXT: %[[P:.*]] = "top.Permute"(%[[R]]) {{.*}} loc("last")
// CHECK-NEXT: "top.Reshape"(%[[P]]) {{.*}} loc("result")
