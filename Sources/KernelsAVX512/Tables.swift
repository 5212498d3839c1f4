// AVX-512: 32 registers of 64 bytes. A 14 x 2 tile takes 28 for its sums, 2 for its columns, and broadcasts from memory.
public import Microkernels

@export(interface) public let float32 = KernelTable<Float>(SIMD16<Float>.self, Fused.self, tallRows: 14, narrowRows: 14)
@export(interface) public let float64 = KernelTable<Double>(SIMD8<Double>.self, Fused.self, tallRows: 10, narrowRows: 14)
