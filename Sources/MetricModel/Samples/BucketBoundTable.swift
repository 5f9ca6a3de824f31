import Bytes
import Glibc

/// The bounds of buckets between one power of two and the next, at the finest resolution.
///
/// Prometheus keeps them as a table that is not rounded correctly everywhere. Bounds are seen (in answers, in texts of
/// histograms), so that ours are its: what is computed, moved by as many units in the last place as the table differs.
enum BucketBoundTable {
    /// The finest schema that queries see.
    static let schema: Int32 = 8

    /// 2^(index/256) / 2.
    static func fraction(_ index: Int) -> Double { fractions[index] }

    private static let fractions: [Double] = corrections.enumerated().map { index, correction in
        let computed = Elementary.exp2(Double(index) / 256) * 0.5
        return Double(bitPattern: computed.bitPattern &+ UInt64(bitPattern: Int64(correction)))
    }

    private static let corrections: [Int8] = [
        0, 0, 0, 0, 0, 0, -1, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, -1, -2, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        0, 0, -1, 0, 0, 0, -1, 0, 0, -1, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, -1, -1,
        -1, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -2, -2, -1, 0, -1, -1, 0, 0, -1, 0, 0, 0, -1, 0, 0, 0, -1, 0, 0, 0, 0,
        0, 0, 0, 0, -1, 0, 1, 0, 0, -1, 0, -2, -2, 0, 0, -1, -1, 0, 0, -1, 0, 0, 0, -1, 0, 0, 0, -2, -1, 0, -1, -1,
        -1, 0, 0, -1, -1, -1, -1, -2, -2, -1, -1, -2, -2, -1, -1, -2, -1, -1, 0, -1, -1, -1, -1, -2, -2, -1, -2, -2,
        -2, -1, -1, -3, -3, -1, 0, -1, -1, 0, 0, -1, 0, -1, -1, -2, -2, -1, 0, -2, -1, -1, -1, -2, -2, -1, -1, -2, -1,
        -1, -1, -2, -2, -1, -1, -2, -1, -2, -1, -3, -2, -1, -1, -2, -1, -2, -2, -3, -2, -2, -2, -2, -2, -2, -2, -2,
        -2, -2, -2, -3, -3, -3, -3, -4, -4, -3, -2, -4, -3, -1, -1, -2, -1, -2, -2, -2, -2, -2, -1, -3, -3, -1, -1,
        -2, -2, -2, -1, -3, -2, -1, -1, -2, -2, -2, -2, -4, -3, -2, -2, -3, -3,
    ]
}
