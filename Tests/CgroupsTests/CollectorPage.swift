import MetricModel
import Synchronization
import TestSupport
import Testing

@testable import Cgroups

/// A clock that stands still until it is moved.
final class StillClock: WallClock {
    private let nanoseconds = Mutex<UInt64>(1_000_000_000)

    var now: Timestamp { Timestamp(milliseconds: 1_800_000_000_000 + Int64(monotonicNanoseconds / 1_000_000)) }
    var monotonicNanoseconds: UInt64 { nanoseconds.withLock { $0 } }

    func sleep(milliseconds: Int64) async throws {}

    func advance(seconds: UInt64) { nanoseconds.withLock { $0 += seconds * 1_000_000_000 } }
}

/// A page as lines.
struct Page {
    let lines: [String]

    init(_ collector: Collector) {
        var bytes: [UInt8] = []
        collector.render(into: &bytes)
        lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The values of a family's series whose labels hold all the parts.
    func values(_ name: String, _ parts: String...) -> [String] {
        lines.filter { line in line.hasPrefix(name + "{") && parts.allSatisfy { line.contains($0) } }
            .compactMap { $0.split(separator: " ").last.map(String.init) }
    }
}

extension Page {
    /// The value of a series without labels.
    func single(_ name: String) -> String? {
        lines.first { $0.hasPrefix(name + " ") }?.split(separator: " ").last.map(String.init)
    }
}
