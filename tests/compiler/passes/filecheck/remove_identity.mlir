// RUN: remove-identity
// What hands its operand on goes; the op before takes the name if nobody else reads it. A slice backwards stays.
func.func @main(%arg0: tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>) {
  %0 = "top.Input"(%arg0) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("x")
  %1 = "top.Identity"(%0) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("d_Dropout")
  %2 = "top.Exp"(%1) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("e_Exp")
  %3 = "top.Permute"(%2) {order = [0, 1]} : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("p_Transpose")
  %4 = "top.Exp"(%3) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("f_Exp")
  %5 = "top.Pad"(%4) {paddings = [0, 0, 0, 0]} : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("q_Pad")
  %6 = "top.Slice"(%4) {offset = [0, 0], ends = [1, 4], steps = [1, 1]} : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("s_Slice")
  %7 = "top.Clip"(%6) {min = 0xFFF0000000000000 : f64, max = 0x7FF0000000000000 : f64} : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("c_Clip")
  %8 = "top.Slice"(%4) {offset = [3], ends = [-5], steps = [-1], axes = [1]} : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("r_Slice")
  return %5, %7, %8 : tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>
}
// CHECK:      %[[X:.*]] = "top.Input"
// CHECK-NEXT: %[[A:.*]] = "top.Exp"(%[[X]])
// CHECK-SAME: loc("p_Transpose")
// CHECK-NEXT: %[[B:.*]] = "top.Exp"(%[[A]])
// CHECK-NEXT: %[[C:.*]] = "top.Slice"(%[[B]])
// CHECK-SAME: steps = [-1]
// CHECK-NEXT: return %[[B]], %[[B]], %[[C]]
