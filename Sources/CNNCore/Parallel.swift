// Work over threads. It is cut by its shape alone, never by the number of threads, so results have the same bits for any.
import CPlatform

package enum Threads {
  package static let maximum = 1024
  /// 0: the default. Read and written with the library's lock held.
  nonisolated(unsafe) private static var setting = 0

  /// SWIFTCNN_NUM_THREADS, else the processors this process may really use; or why the variable cannot be used.
  private static let standard: Result<Int, CNNError> = {
    guard let text = platform_environment("SWIFTCNN_NUM_THREADS"), text[0] != 0 else {
      return .success(Int(platform_processors()))
    }
    guard let count = Int(String(cString: text)), count >= 1 && count <= maximum else {
      return .failure(
        CNNError(.environment, "SWIFTCNN_NUM_THREADS=\(String(cString: text)): wanted a whole number from 1 to \(maximum)"))
    }
    return .success(count)
  }()

  package static func count() throws(CNNError) -> Int {
    platform_lock()
    let set = setting
    platform_unlock()
    return set > 0 ? set : try standard.get()
  }

  package static func set(_ count: Int) throws(CNNError) {
    guard count >= 0 && count <= maximum else {
      throw .argument("count: wanted 1 to \(maximum) threads, or 0 for the default, got \(count)")
    }
    platform_lock()
    setting = count
    platform_unlock()
  }
}

/// What the crew shares of one job.
private struct Job {
  let body: (Int, Int) -> Void
}

/// How many workers `parallel` will use for so many tasks: ask first, and lay out scratch memory for each. Each of them gets more
/// of the work there is than it costs to call it: half a microsecond while it waits for the next job, some ten where it sleeps.
package func parallelWidth(_ count: Int, _ work: Work = .plenty) throws(CNNError) -> Int {
  max(1, min(count, try Threads.count(), work.nanoseconds / (platform_crew_is_awake() ? 3_000 : 10_000)))
}

/// About how long something takes on one core; only to tell what is too little to share. Saturates.
package struct Work {
  package let nanoseconds: Int
  package static var plenty: Work { .elements(Int.max) }
  /// Products of so many factors, at 50 multiply-adds a nanosecond.
  package static func multiplyAdds(_ factors: Int...) -> Work { Work(factors, per: 50) }
  /// Products that each read an element for themselves, and wait for it: at 15 a nanosecond.
  package static func streamed(_ factors: Int...) -> Work { Work(factors, per: 15) }
  /// Elements (times what is done to each), at two a nanosecond.
  package static func elements(_ factors: Int...) -> Work { Work(factors, per: 2) }

  private init(_ factors: [Int], per rate: Int) {
    var product = 1
    for factor in factors {
      let (value, overflow) = product.multipliedReportingOverflow(by: factor)
      product = overflow ? Int.max : value
    }
    nanoseconds = product / rate
  }
}

/// Runs body(task, worker) for all tasks, in any order, on up to `width` workers, each of which begins with tasks beside each other. Where
/// the crew is busy with another caller's job, this thread does it all as worker 0.
package func parallel(_ count: Int, width: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
  let ran =
    min(count, width) > 1
    && withoutActuallyEscaping(body) { escaping in
      withUnsafePointer(to: Job(body: escaping)) { job in
        platform_run(
          Int32(min(count, width)), Int64(count),
          { context, worker in
            guard let body = context?.assumingMemoryBound(to: Job.self).pointee.body else { return }
            while true {
              let task = platform_next_task(worker)
              if task < 0 { return }
              body(Int(task), Int(worker))
            }
          }, UnsafeMutableRawPointer(mutating: job))
      }
    }
  if !ran { for i in 0..<count { body(i, 0) } }
}

/// Runs the body with the library's lock held: nothing in it may borrow memory or take the lock again.
package func locked<R>(_ body: () -> R) -> R {
  platform_lock()
  defer { platform_unlock() }
  return body()
}

/// How a call enters the library, through whichever face: it is refused where an environment variable cannot be used, and
/// runs with denormals flushed to zero; the caller's mode is restored.
package func enter<R>(_ body: () throws(CNNError) -> R) throws(CNNError) -> R {
  if case .failure(let error) = InstructionSet.choice { throw error }
  _ = try Threads.count()
  let mode = platform_flush_denormals()
  defer { platform_restore_denormals(mode) }
  return try body()
}
