// Version, errors and the machine.
public import CHeader
import CNNCore
import CPlatform

@_cdecl("swiftcnn_version") @implementation
public func swiftcnn_version() -> UnsafePointer<CChar>! { constant(versionText) }
private let versionText: StaticString = "0.1.0"

@_cdecl("swiftcnn_abi_version") @implementation
public func swiftcnn_abi_version() -> Int32 { SWIFTCNN_ABI_VERSION }

@_cdecl("swiftcnn_last_error") @implementation
public func swiftcnn_last_error() -> UnsafePointer<CChar>! { platform_message() }

@_cdecl("swiftcnn_isa") @implementation
public func swiftcnn_isa(_ name: UnsafeMutablePointer<UnsafePointer<CChar>?>!) -> swiftcnn_status {
  status { () throws(CNNError) in
    guard let name else { throw .argument("name: is NULL") }
    name.pointee = constant(try InstructionSet.choice.get().name)
  }
}

@_cdecl("swiftcnn_threads") @implementation
public func swiftcnn_threads(_ count: UnsafeMutablePointer<Int32>!) -> swiftcnn_status {
  status { () throws(CNNError) in
    guard let count else { throw .argument("count: is NULL") }
    count.pointee = Int32(try Threads.count())
  }
}

@_cdecl("swiftcnn_set_threads") @implementation
public func swiftcnn_set_threads(_ count: Int32) -> swiftcnn_status {
  status { () throws(CNNError) in try Threads.set(Int(count)) }
}

@_cdecl("swiftcnn_release_memory") @implementation
public func swiftcnn_release_memory() -> swiftcnn_status {
  status { () throws(CNNError) in Workspace.release() }
}

/// A string literal of the library ends with a zero byte and lives for ever.
private func constant(_ text: StaticString) -> UnsafePointer<CChar>? {
  UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}
