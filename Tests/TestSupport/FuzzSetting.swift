import Glibc

/// How much tests with random input try, and from which seed on.
package enum FuzzSetting {
    /// The seeds of one of several lanes that run side by side, at least one.
    ///
    /// - Parameters:
    ///   - total: What all lanes try together where `LAPWING_FUZZ_QUERIES` says nothing.
    ///   - each: What is tried with one seed.
    package static func seeds(_ lane: UInt64, of lanes: UInt64, total: UInt64, each: UInt64) -> some Sequence<UInt64> {
        let total = number("LAPWING_FUZZ_QUERIES") ?? total
        let first = number("LAPWING_FUZZ_SEED") ?? 1
        return (0..<max(1, total / lanes / each)).lazy.map { first &+ ($0 &* lanes &+ lane) &* 1_000_003 }
    }

    private static func number(_ name: String) -> UInt64? {
        unsafe getenv(name).flatMap { unsafe UInt64(String(cString: $0)) }
    }
}
