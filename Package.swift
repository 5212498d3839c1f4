// swift-tools-version: 6.2
// Targets and flags, nothing else. Imports point up the list of rooms in the README; no target has an outside dependency.
import PackageDescription

// SWIFTCNN_EMBEDDED=1 compiles the same sources as Embedded Swift, whose objects need no runtime; `make embedded` links them.
let embedded = Context.environment["SWIFTCNN_EMBEDDED"] == "1"
// SWIFTCNN_FUZZ=1 adds what `make fuzz` runs. It looks at files, and takes one instruction set, as the others are compiled from the same.
let fuzz = Context.environment["SWIFTCNN_FUZZ"] == "1"
let house: [SwiftSetting] =
  [
    .enableUpcomingFeature("InternalImportsByDefault"),
    // Operators are generic over the element type: without this, other modules would call them unspecialised.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
    // What nothing calls, such as a generic function that is called specialised, is left out by the linker.
    .unsafeFlags(["-Xfrontend", "-function-sections", "-Xfrontend", "-internalize-at-link"]),
  ] + (embedded ? [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo"])] : [])
// Innermost loops begin at a line of the caches, or what they take would follow from the code before them.
#if arch(x86_64)
  let loopAlignment = ["-Xllvm", "-x86-experimental-pref-innermost-loop-alignment=6"], baselineFlags = ["-march=x86-64"]
  let hasAVX = !fuzz
#else
  let loopAlignment: [String] = [], baselineFlags: [String] = [], hasAVX = false
#endif
let kernels = house + [.unsafeFlags(["-Ounchecked", "-Xllvm", "-unroll-threshold=2000"] + loopAlignment)]

/// One small module an instruction set: the templates of Microkernels, instantiated.
func instructionSet(_ name: String, _ flags: [String]) -> Target {
  .target(
    name: name, dependencies: ["CPlatform", "Microkernels"],
    swiftSettings: kernels + [.unsafeFlags(flags.flatMap { ["-Xcc", $0] })])
}

let tableTargets =
  [instructionSet("KernelsBaseline", baselineFlags)]
  + (hasAVX
    ? [
      instructionSet("KernelsAVX2", ["-march=x86-64-v3"]),
      instructionSet("KernelsAVX512", ["-march=x86-64-v4", "-mprefer-vector-width=512"]),
    ] : [])

let package = Package(
  name: "swiftcnn",
  products: [
    .library(name: "swiftcnn", type: .dynamic, targets: ["CSwiftCNN"]),
    .library(name: "SwiftCNN", targets: ["SwiftCNN"]),
  ],
  targets: [
    .target(name: "CHeader", path: "Include", publicHeadersPath: "."),
    .target(name: "CPlatform", cSettings: [.unsafeFlags(["-O2"])], linkerSettings: [.linkedLibrary("m")]),
    .target(name: "Microkernels", dependencies: ["CPlatform"], swiftSettings: kernels),
  ] + tableTargets + [
    .target(
      name: "CNNCore", dependencies: ["CPlatform", "Microkernels"] + tableTargets.map { .byName(name: $0.name) },
      swiftSettings: house + (hasAVX ? [.define("AVX")] : [])),
    .target(name: "CNNOperators", dependencies: ["CPlatform", "CNNCore", "Microkernels"], swiftSettings: house),
    .target(name: "CNNNetwork", dependencies: ["CNNCore", "CNNOperators", "Microkernels"], swiftSettings: house),
    .target(name: "CNNModelFiles", dependencies: ["CPlatform", "CNNCore", "CNNOperators", "CNNNetwork"], swiftSettings: house),
    .target(name: "SwiftCNN", dependencies: ["CNNCore", "CNNOperators", "CNNNetwork", "CNNModelFiles"], swiftSettings: house),
    .target(
      name: "CSwiftCNN", dependencies: ["CHeader", "CPlatform", "CNNCore", "CNNOperators", "CNNNetwork", "CNNModelFiles"],
      exclude: ["exports.map"], swiftSettings: house,
      linkerSettings: [
        .unsafeFlags([
          "-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/CSwiftCNN/exports.map",
          "-Xlinker", "-soname=libswiftcnn.so", "-Xlinker", "--gc-sections", "-no-toolchain-stdlib-rpath",
          "-static-stdlib",
        ])
      ]),
    .target(name: "CPeak", path: "Benchmarks/Peak", cSettings: [.unsafeFlags(["-O2"])]),
    .executableTarget(
      name: "TileBenchmark", dependencies: ["CNNCore", "CNNOperators", "CPeak", "Microkernels"], path: "Benchmarks/Tiles",
      swiftSettings: house),
    .executableTarget(name: "TrainIDX", dependencies: ["SwiftCNN"], path: "Examples/swift", swiftSettings: house),
    .executableTarget(name: "SameBits", dependencies: ["SwiftCNN"], path: "Tests/SameBits", swiftSettings: house),
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: house),
    .testTarget(name: "KernelTests", dependencies: ["CNNCore", "Microkernels", "TestSupport"], swiftSettings: []),
    .testTarget(name: "OperatorTests", dependencies: ["CNNCore", "CNNOperators", "TestSupport"], swiftSettings: []),
    .testTarget(name: "NetworkTests", dependencies: ["CNNCore", "CNNOperators", "CNNNetwork"], swiftSettings: []),
    .testTarget(
      name: "SwiftCNNTests", dependencies: ["SwiftCNN", "CNNCore", "CNNOperators", "CNNNetwork"], swiftSettings: []),
  ],
  swiftLanguageModes: [.v6]
)

// Only then, so that nothing else is built for it.
if fuzz {
  package.targets += [
    .target(name: "FuzzHooks", path: "Tests/Fuzz/Hooks"),
    .executableTarget(
      name: "ModelFuzzer", dependencies: ["CNNCore", "CNNOperators", "CNNNetwork", "CNNModelFiles", "FuzzHooks"],
      path: "Tests/Fuzz", exclude: ["Hooks", "seeds.py"], swiftSettings: house),
  ]
}
