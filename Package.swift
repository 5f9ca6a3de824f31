// swift-tools-version: 6.3
// The manifest is the map of the house: floors from the bottom up, one building a line, arrows downward only.
// A new arrow is a decision: change it here and in Tests/TidyTests, which holds both to the same table.

import PackageDescription

/// One list of settings for every Swift target: the upcoming features, visible unsafety, no warnings.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")

/// A building and, where it has behaviour of its own, the test target beside it.
func building(
    _ name: String, uses: [Target.Dependency], testsUse: [Target.Dependency]? = [], pages: [String] = ["README.md"]
) -> [Target] {
    let main = Target.target(name: name, dependencies: uses, exclude: pages, swiftSettings: swiftSettings)
    guard let testsUse else { return [main] }
    let dependencies: [Target.Dependency] = [.target(name: name), "TestSupport"] + uses + testsUse
    return [main, .testTarget(name: name + "Tests", dependencies: dependencies, swiftSettings: swiftSettings)]
}

/// A library of Debian's, found through its module map.
func systemLibrary(_ name: String, package: String, pkgConfig: String? = nil) -> [Target] {
    [.systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])]
}

let floor0: [Target] = [
    systemLibrary("CCrypt", package: "libcrypt-dev"),
    systemLibrary("CKernel", package: "libc6-dev"),
    systemLibrary("CDeflate", package: "libdeflate-dev"),
    systemLibrary("CMalloc", package: "libc6-dev"),
    systemLibrary("CSnappy", package: "libsnappy-dev"),
    systemLibrary("CSQLite", package: "libsqlite3-dev"),
    systemLibrary("CYAML", package: "libyaml-dev"),
    systemLibrary("CZlib", package: "zlib1g-dev"),
    systemLibrary("CZstd", package: "libzstd-dev"),
    [.target(name: "CChecksum")],
    [.target(name: "CColumns")],
    [.target(name: "CSegments")],
    [.target(name: "CShippedRules", cSettings: [.unsafeFlags(["-std=gnu23"])])],
    [.target(name: "CWebFiles", cSettings: [.unsafeFlags(["-std=gnu23"])])],
    [
        .target(
            name: "CPageChecksums", dependencies: ["CDeflate", "CSQLite"],
            linkerSettings: [.linkedLibrary("deflate"), .linkedLibrary("sqlite3")])
    ],
    [.target(name: "CRE2", linkerSettings: [.linkedLibrary("re2"), .linkedLibrary("stdc++")])],
].flatMap { $0 }

let floor1: [Target] = [
    building("Bytes", uses: ["CChecksum", "CDeflate", "CSnappy", "CZlib", "CZstd"]),
    building("Threads", uses: []),
    building("YAML", uses: ["CYAML"]),
].flatMap { $0 }

let floor2: [Target] = [
    building("MetricModel", uses: ["Bytes", "CRE2"]),
    building("SQLite", uses: ["CPageChecksums", "CSQLite"]),
].flatMap { $0 }

let floor3: [Target] = [
    building("Exposition", uses: ["Bytes", "MetricModel"]),
    building("PromQLSyntax", uses: ["Bytes", "MetricModel"]),
    building("Storage", uses: ["MetricModel"]),
].flatMap { $0 }

let floor4: [Target] = [
    building("SelfMetrics", uses: ["Bytes"])
].flatMap { $0 }

let floor5: [Target] = [
    building("Cgroups", uses: ["Bytes", "CKernel", "MetricModel", "Threads"]),
    building(
        "Notifications",
        uses: ["Bytes", "MetricModel", "SelfMetrics", "SQLite", asyncHTTPClient, logging, nioCore, nioHTTP1, nioSSL]),
    building(
        "PromQL", uses: ["Bytes", "CColumns", "MetricModel", "PromQLSyntax", "Storage"], testsUse: ["TSDB", logging]),
    building(
        "Remote",
        uses: ["Bytes", "Exposition", "MetricModel", "SelfMetrics", "Storage", asyncHTTPClient, nioCore, nioHTTP1],
        testsUse: ["TSDB"]),
    building(
        "Scraping",
        uses: [
            "Bytes", "Exposition", "MetricModel", "SelfMetrics", "Storage",
            logging, nioCore, nioPosix, nioSSL,
        ], testsUse: ["CountedAllocations", nioHTTP1]),
    building(
        "TSDB",
        uses: ["Bytes", "CColumns", "CMalloc", "MetricModel", "SQLite", "SelfMetrics", "Storage", "Threads", logging],
        testsUse: ["CountedAllocations", "Exposition", "FaultyDisk", "crash-writer"],
        pages: ["README.md", "FORMAT.md"]),
].flatMap { $0 }

let floor6: [Target] = [
    building(
        "Access", uses: ["CCrypt", "MetricModel", logging, nioPosix, nioSSL]),
    building("PromQLScripts", uses: ["Bytes", "MetricModel", "PromQL", "PromQLSyntax", "Storage"], testsUse: ["TSDB"]),
    building(
        "Rules",
        uses: [
            "Bytes", "MetricModel", "Notifications", "PromQL", "PromQLSyntax", "SQLite", "SelfMetrics", "Storage",
            logging,
        ]),
].flatMap { $0 }

let floor7: [Target] = [
    building(
        "ConfigurationFile",
        uses: [
            "Access", "Bytes", "Cgroups", "MetricModel", "Notifications", "PromQLSyntax", "Rules", "Scraping", "YAML",
        ]),
    building(
        "WebAPI",
        uses: [
            "Access", "Bytes", "CWebFiles", "Exposition", "MetricModel", "Notifications", "PromQL", "PromQLSyntax",
            "Remote", "Rules", "Scraping", "SelfMetrics", "Storage", "Threads", logging, nioCore, nioHTTP1, nioPosix,
            nioSSL, serviceLifecycle,
        ]),
].flatMap { $0 }

let floor8: [Target] = [
    building(
        "LapwingServer",
        uses: [
            "Access", "Bytes", "CMalloc", "CSegments", "CShippedRules", "Cgroups", "ConfigurationFile", "MetricModel",
            "Notifications", "PromQL", "Remote", "Rules", "SQLite", "Scraping", "SelfMetrics", "Storage", "TSDB",
            "WebAPI", logging, nioPosix,
            serviceLifecycle, unixSignals,
        ])
].flatMap { $0 }

let floor9: [Target] = [
    .executableTarget(
        name: "lapwing",
        dependencies: [
            "Access", "Bytes", "CMalloc", "ConfigurationFile", "Exposition", "LapwingServer", "MetricModel",
            "PromQLScripts", "PromQLSyntax", "Remote", "Rules", "Scraping", "Storage", "TSDB", "WebAPI",
            argumentParser, logging,
        ],
        exclude: ["Deployment"],
        swiftSettings: swiftSettings)
]

/// With LAPWING_FUZZING set the mutation tests become a program for libFuzzer (`swift build --sanitize=fuzzer`).
let isFuzzing = Context.environment["LAPWING_FUZZING"] != nil
let fuzzed: [Target.Dependency] = [
    "Bytes", "Cgroups", "ConfigurationFile", "Exposition", "MetricModel", "PromQLSyntax", "Remote", "Scraping",
    "SelfMetrics", "Storage", "TSDB", "TestSupport", nioCore,
]
let fuzzingFiles = ["Corpora", "fuzz", "keep-corpus"]
let fuzzing: Target =
    isFuzzing
    ? .executableTarget(
        name: "FuzzTests", dependencies: fuzzed, path: "Tests/FuzzTests", exclude: fuzzingFiles,
        swiftSettings: swiftSettings + [.define("LAPWING_FUZZING"), .unsafeFlags(["-parse-as-library"])])
    : .testTarget(name: "FuzzTests", dependencies: fuzzed, exclude: fuzzingFiles, swiftSettings: swiftSettings)

let grounds: [Target] = [
    fuzzing,
    .target(
        name: "TestSupport", dependencies: ["Bytes", "CMalloc", "MetricModel", "Storage"], path: "Tests/TestSupport",
        swiftSettings: swiftSettings),
    .target(name: "FaultyDisk", path: "Tests/FaultyDisk"),
    .executableTarget(
        name: "crash-writer", dependencies: ["MetricModel", "Storage", "TSDB", logging], path: "Tests/CrashWriter",
        swiftSettings: swiftSettings),
    .testTarget(name: "TidyTests", dependencies: ["TestSupport"], swiftSettings: swiftSettings),
    .testTarget(name: "EndToEndTests", dependencies: ["Bytes", "Remote", "TestSupport"], swiftSettings: swiftSettings),
    .executableTarget(
        name: "CollectorBenchmark", dependencies: ["Cgroups", "MetricModel", "Threads"],
        path: "Benchmarks/CollectorBenchmark",
        swiftSettings: swiftSettings),
    .target(name: "CountedAllocations", path: "Benchmarks/CountedAllocations"),
    .executableTarget(
        name: "StoreBenchmarks",
        dependencies: [
            "Bytes", "CDeflate", "CountedAllocations", "Exposition", "MetricModel", "Storage", "TSDB", logging,
        ],
        path: "Benchmarks/StoreBenchmarks", swiftSettings: swiftSettings),
    .executableTarget(
        name: "PromQLBenchmarks", dependencies: ["MetricModel", "PromQL", "PromQLSyntax", "Storage", "TSDB", logging],
        path: "Benchmarks/PromQLBenchmarks", swiftSettings: swiftSettings),
]

let package = Package(
    name: "lapwing",
    products: [.executable(name: "lapwing", targets: ["lapwing"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: floor0 + floor1 + floor2 + floor3 + floor4 + floor5 + floor6 + floor7 + floor8 + floor9 + grounds,
    swiftLanguageModes: [.v6]
)
