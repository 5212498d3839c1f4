// What every processor of the architecture has: SSE2 without a fused multiply-add on x86-64, NEON with one on arm64.
internal import CPlatform
public import Microkernels

@export(interface) public let float32 = KernelTable<Float>(F32x4.self, tallRows: 6, narrowRows: 10, dotColumns: 2)
@export(interface) public let float64 = KernelTable<Double>(F64x2.self, tallRows: 6, narrowRows: 10, dotColumns: 2)
@export(interface) public let random = RandomTable(F64x2.self)
