// What every processor of the architecture has: SSE2 without a fused multiply-add on x86-64, NEON with one on arm64.
public import Microkernels

#if arch(arm64)
  public typealias Arithmetic = Fused
#else
  public typealias Arithmetic = Separate
#endif

@export(interface) public let float32 = KernelTable<Float>(SIMD4<Float>.self, Arithmetic.self, tallRows: 5, narrowRows: 8)
@export(interface) public let float64 = KernelTable<Double>(SIMD2<Double>.self, Arithmetic.self, tallRows: 5, narrowRows: 8)
