import Glibc

/// How much tests with random input try, and from which seed on.
package enum FuzzSetting {
    /// `LAPWING_FUZZ_QUERIES`.
    package static func queries(or fallback: UInt64) -> UInt64 { number("LAPWING_FUZZ_QUERIES") ?? fallback }

    /// `LAPWING_FUZZ_SEED`.
    package static func seed(or fallback: UInt64) -> UInt64 { number("LAPWING_FUZZ_SEED") ?? fallback }

    private static func number(_ name: String) -> UInt64? {
        unsafe getenv(name).flatMap { unsafe UInt64(String(cString: $0)) }
    }
}
