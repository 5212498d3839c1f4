// AVX-512: 32 registers of 64 bytes. A 14 x 2 tile takes 28 for its sums, 2 for its columns, and broadcasts from memory.
internal import CPlatform
public import Microkernels

@export(interface) public let float32 = KernelTable<Float>(F32x16.self, tallRows: 14, narrowRows: 14, dotColumns: 6)
@export(interface) public let float64 = KernelTable<Double>(F64x8.self, tallRows: 14, narrowRows: 14, dotColumns: 6)
@export(interface) public let random = RandomTable(F64x8.self)
