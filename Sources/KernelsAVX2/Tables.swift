// AVX2 with FMA: 16 registers of 32 bytes. A 6 x 2 tile takes 12 for its sums, 2 for its columns, and one for a broadcast.
internal import CPlatform
public import Microkernels

@export(interface) public let float32 = KernelTable<Float>(F32x8.self, tallRows: 6, narrowRows: 9, dotColumns: 3)
@export(interface) public let float64 = KernelTable<Double>(F64x4.self, tallRows: 6, narrowRows: 9, dotColumns: 3)
@export(interface) public let random = RandomTable(F64x4.self)
