// RUN: remove-identity
// A network that hands an input on keeps the op that makes its result.
func.func @main(%arg0: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %0 = "top.Input"(%arg0) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("x")
  %1 = "top.Identity"(%0) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("d_Dropout")
  %2 = "top.Identity"(%1) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("y_Identity")
  return %2 : tensor<1x4xf32>
}
// CHECK:      %[[X:.*]] = "top.Input"
// CHECK-NEXT: %[[Y:.*]] = "top.Identity"(%[[X]])
// CHECK-SAME: loc("y_Identity")
// CHECK-NEXT: return %[[Y]]
