// Which kernel table this process uses: chosen once, by the processor's features or by SWIFTCNN_ISA.
import CPlatform
package import Microkernels
private import KernelsBaseline
#if AVX
  private import KernelsAVX2
  private import KernelsAVX512
#endif

package enum InstructionSet: Int, CaseIterable, Sendable {
  case baseline, avx2, avx512

  package var name: StaticString {
    switch self {
    case .baseline: "baseline"
    case .avx2: "avx2"
    case .avx512: "avx512"
    }
  }
  package var isAvailable: Bool {
    #if AVX
      switch self {
      case .baseline: true
      case .avx2: platform_has_avx2()
      case .avx512: platform_has_avx512()
      }
    #else
      self == .baseline
    #endif
  }

  /// The choice, or why there is none.
  package static let choice: Result<InstructionSet, CNNError> = {
    let best: InstructionSet = InstructionSet.avx512.isAvailable ? .avx512 : InstructionSet.avx2.isAvailable ? .avx2 : .baseline
    guard let wanted = platform_environment("SWIFTCNN_ISA"), wanted[0] != 0 else { return .success(best) }
    for set in [InstructionSet.baseline, .avx2, .avx512] where equal(wanted, set.name) {
      if set.isAvailable { return .success(set) }
      return .failure(CNNError(.environment, "SWIFTCNN_ISA=\(set.name): this processor does not have it; it has \(best.name)"))
    }
    let given = String(cString: wanted)
    return .failure(CNNError(.environment, "SWIFTCNN_ISA=\(given): wanted avx512, avx2 or baseline"))
  }()
  /// Baseline where the choice failed; every call checks `choice` first.
  static let chosen: InstructionSet = if case .success(let set) = choice { set } else { .baseline }

  package func float32() -> KernelTable<Float> {
    #if AVX
      switch self {
      case .baseline: KernelsBaseline.float32
      case .avx2: KernelsAVX2.float32
      case .avx512: KernelsAVX512.float32
      }
    #else
      KernelsBaseline.float32
    #endif
  }
  package func float64() -> KernelTable<Double> {
    #if AVX
      switch self {
      case .baseline: KernelsBaseline.float64
      case .avx2: KernelsAVX2.float64
      case .avx512: KernelsAVX512.float64
      }
    #else
      KernelsBaseline.float64
    #endif
  }
}

extension InstructionSet {
  /// They give the same numbers.
  package func random() -> RandomTable {
    #if AVX
      switch self {
      case .baseline: KernelsBaseline.random
      case .avx2: KernelsAVX2.random
      case .avx512: KernelsAVX512.random
      }
    #else
      KernelsBaseline.random
    #endif
  }
}

extension Float: Element {
  private static let table = ElementKernels(InstructionSet.chosen.float32())
  public static var _kernels: ElementKernels<Float> { table }
}
extension Double: Element {
  private static let table = ElementKernels(InstructionSet.chosen.float64())
  public static var _kernels: ElementKernels<Double> { table }
}

/// Without Unicode's tables, which Embedded Swift would have to link for String ==.
package func equal(_ a: UnsafePointer<CChar>, _ b: StaticString) -> Bool {
  for i in 0..<b.utf8CodeUnitCount where a[i] != CChar(bitPattern: b.utf8Start[i]) { return false }
  return a[b.utf8CodeUnitCount] == 0
}
