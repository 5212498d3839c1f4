// AVX2 with FMA: 16 registers of 32 bytes. The compiler wants as many free ones as a tile has rows: 5 x 2 is at the peak, 6 x 2 at half.
public import Microkernels

@export(interface) public let float32 = KernelTable<Float>(SIMD8<Float>.self, Fused.self, tallRows: 5, narrowRows: 10)
@export(interface) public let float64 = KernelTable<Double>(SIMD4<Double>.self, Fused.self, tallRows: 5, narrowRows: 10)
