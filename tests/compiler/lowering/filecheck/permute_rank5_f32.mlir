// RUN: f32
// Axes that stay together are one: five of them are turned by a single op of three. A matrix turned over is one of two.
func.func @main(%arg0: tensor<2x3x4x5x6xf32>) -> (tensor<4x5x2x3x6xf32>, tensor<6x2x3x4x5xf32>) {
  %x = "top.Input"(%arg0) : (tensor<2x3x4x5x6xf32>) -> tensor<2x3x4x5x6xf32> loc("x")
  %1 = "top.Permute"(%x) {order = [2, 3, 0, 1, 4]} : (tensor<2x3x4x5x6xf32>) -> tensor<4x5x2x3x6xf32> loc("a_Transpose")
  %2 = "top.Permute"(%x) {order = [4, 0, 1, 2, 3]} : (tensor<2x3x4x5x6xf32>) -> tensor<6x2x3x4x5xf32> loc("b_Transpose")
  return %1, %2 : tensor<4x5x2x3x6xf32>, tensor<6x2x3x4x5xf32>
}
// CHECK:      "tpu.Reshape"({{.*}} -> tensor<6x20x6xf32>
// CHECK-NEXT: "tpu.Permute"({{.*}} order = [1, 0, 2]{{.*}} -> tensor<20x6x6xf32>
// CHECK-NEXT: "tpu.Reshape"({{.*}} -> tensor<4x5x2x3x6xf32> loc("a_Transpose")
// CHECK:      "tpu.Permute"({{.*}} order = [1, 0]{{.*}} -> tensor<6x120xf32>
