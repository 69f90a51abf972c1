// RUN: fuse-reshape,dead-code
// A chain of views is one Reshape; a middle that others read is made beside it.
func.func @main(%arg0: tensor<1x2x1x6xf32>) -> (tensor<3x4xf32>, tensor<2x6xf32>) {
  %x = "top.Input"(%arg0) : (tensor<1x2x1x6xf32>) -> tensor<1x2x1x6xf32> loc("x")
  %1 = "top.Squeeze"(%x) {axes = [0, 2]} : (tensor<1x2x1x6xf32>) -> tensor<2x6xf32> loc("s_Squeeze")
  %2 = "top.Reshape"(%1) {shape = [12]} : (tensor<2x6xf32>) -> tensor<12xf32> loc("r_Reshape")
  %3 = "top.Reshape"(%2) {shape = [3, 4]} : (tensor<12xf32>) -> tensor<3x4xf32> loc("t_Reshape")
  return %3, %1 : tensor<3x4xf32>, tensor<2x6xf32>
}
// CHECK:      %[[X:.*]] = "top.Input"
// CHECK-NEXT: %[[S:.*]] = "top.Reshape"(%[[X]])
// CHECK-SAME: shape = [2, 6]
// CHECK-SAME: loc("s_Squeeze")
// CHECK-NEXT: %[[T:.*]] = "top.Reshape"(%[[X]])
// CHECK-SAME: shape = [3, 4]
// CHECK-SAME: loc("t_Reshape")
// CHECK-NEXT: return %[[T]], %[[S]]
