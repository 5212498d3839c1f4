// What concerns the whole process, and how a call from Swift enters the engine.
public import CNNCore
import CNNOperators

/// Why a call was refused: `message` names the argument, what was wanted and what came; nothing was changed.
public typealias CNNError = CNNCore.CNNError

/// The engine of this process: its threads, its instruction set, its memory.
///
/// ```swift
/// try Engine.setThreads(2)
/// print(try Engine.threads, try Engine.instructionSet)  // 2 avx512
/// ```
public enum Engine {
  /// The number of threads a call may use, the caller's own included: by default the processors that this process may really
  /// use, or what the environment variable `SWIFTCNN_NUM_THREADS` says. Results have the same bits for any number.
  /// - Throws: `CNNError` where the variable holds no number from 1 to 1024.
  public static var threads: Int { get throws(CNNError) { try Threads.count() } }

  /// Sets the number of threads, 1 to 1024; 0 goes back to the default.
  /// - Throws: `CNNError` for another number.
  public static func setThreads(_ count: Int) throws(CNNError) { try Threads.set(count) }

  /// `avx512`, `avx2` or `baseline`: the best of this processor, or what the environment variable `SWIFTCNN_ISA` says.
  /// - Throws: `CNNError` where the variable names none that this processor has.
  public static var instructionSet: String {
    get throws(CNNError) { "\(try InstructionSet.choice.get().name)" }
  }

  /// Gives memory that is kept for later calls back to the system.
  public static func releaseMemory() { Workspace.release() }
}

// The functions of this module are generic and not specialised: they check, allocate and pass pointers on, once a call. The
// loops over elements are behind the operators' entries, which are specialised for Float and Double.

/// Runs an operator on the memory of `tensors`, which must outlive the call.
func call<Tensors, R>(lending tensors: Tensors, _ body: () throws(CNNError) -> R) throws(CNNError) -> R {
  try withExtendedLifetime(tensors) { () throws(CNNError) in try enter(body) }
}

extension Tensor {
  func input(_ name: StaticString) -> Input<Scalar> { Input(name, extents, UnsafePointer(storage.base)) }

  /// Only of a tensor that nobody else holds.
  func output(_ name: StaticString) -> Output<Scalar> { Output(name, extents, storage.base) }
}

func list(_ pair: Window2D.Pair) -> InlineArray<2, Int> { [pair.vertical, pair.horizontal] }
func list(_ pads: Window2D.Pads) -> InlineArray<4, Int> { [pads.top, pads.left, pads.bottom, pads.right] }
func list(_ shape: Shape) -> [Int] { (0..<shape.rank).map { shape[$0] } }
