/// A moment: milliseconds since the Unix epoch, as everywhere in Prometheus' data model.
package struct Timestamp: Hashable, Comparable, Sendable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Seconds, rounded to the nearest millisecond; values that do not fit are clamped.
    package init(seconds: Double) {
        let scaled = (seconds * 1000).rounded()
        if scaled >= 9.2e18 {
            milliseconds = Int64.max
        } else if scaled <= -9.2e18 {
            milliseconds = Int64.min
        } else {
            milliseconds = scaled.isNaN ? 0 : Int64(scaled)
        }
    }

    package var seconds: Double { Double(milliseconds) / 1000 }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }
}

/// A span of time, both ends included, as in Prometheus' queriers.
package struct TimeRange: Hashable, Sendable {
    package var start: Timestamp
    package var end: Timestamp

    package init(start: Timestamp, end: Timestamp) {
        self.start = start
        self.end = end
    }

    /// Every time there is.
    package static let all = TimeRange(start: Timestamp(milliseconds: .min), end: Timestamp(milliseconds: .max))

    package func contains(_ timestamp: Timestamp) -> Bool { start <= timestamp && timestamp <= end }
}
