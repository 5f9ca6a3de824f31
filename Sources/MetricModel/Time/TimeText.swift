import Bytes

/// Times and durations as people and the HTTP API write them: seconds as a number, or RFC 3339, or `1h30m`.
package enum TimeText {
    /// Seconds since the epoch (`1435781451.781`) or RFC 3339 (`2015-07-01T20:10:51.781Z`); nil where it is neither.
    package static func parse(_ text: String) -> Timestamp? {
        if let seconds = GoNumberText.parse(text) {
            return seconds.isFinite && abs(seconds) < 9e15 ? timestamp(ofSeconds: seconds) : nil
        }
        return parseRFC3339(text)
    }

    /// As Prometheus reads seconds: their fraction alone is rounded to milliseconds, then cut to whole nanoseconds.
    private static func timestamp(ofSeconds seconds: Double) -> Timestamp {
        let whole = seconds.rounded(.towardZero)
        let fraction = ((seconds - whole) * 1000).rounded() / 1000
        let nanoseconds = Int64(fraction * 1e9)
        // Down to the millisecond, also before 1970.
        let milliseconds = (nanoseconds + 1_000_000_000) / 1_000_000 - 1000
        return Timestamp(milliseconds: Int64(whole) * 1000 + milliseconds)
    }

    /// What a text says of a duration.
    package enum DurationReading: Equatable {
        case milliseconds(Int64)
        /// More nanoseconds than 64 bits hold.
        case tooLong
        case noDuration
    }

    /// Reads `15`, `0.5`, `1h30m`.
    ///
    /// As in Prometheus a number of seconds is cut to whole nanoseconds, those to milliseconds; NaN is the least duration.
    package static func readDuration(_ text: String) -> DurationReading {
        guard let seconds = GoNumberText.parse(text) else {
            return DurationText.milliseconds(text).map { .milliseconds($0) } ?? .noDuration
        }
        let nanoseconds = seconds * 1e9
        if nanoseconds.isNaN { return .milliseconds(Int64.min / 1_000_000) }
        // The greatest number below 2^63 fits, and -2^63 itself does.
        guard nanoseconds < 0x1p63, nanoseconds >= -0x1p63 else { return .tooLong }
        return .milliseconds(Int64(nanoseconds) / 1_000_000)
    }

    /// Milliseconds of `15`, `0.5`, `1h30m`; nil where it is neither a number nor a duration, or does not fit.
    package static func parseDuration(_ text: String) -> Int64? {
        if case .milliseconds(let milliseconds) = readDuration(text) { milliseconds } else { nil }
    }

    /// `2015-07-01T20:10:51.781Z`.
    ///
    /// - Parameter hasFraction: The three digits come where they are zero, too.
    package static func rfc3339(_ timestamp: Timestamp, hasFraction: Bool = false) -> String {
        let date = CivilDate(timestamp)
        let fraction = date.millisecond == 0 && !hasFraction ? "" : "." + padded(date.millisecond, 3)
        let day = "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
        return "\(day)T\(padded(date.hour, 2)):\(padded(date.minute, 2)):\(padded(date.second, 2))\(fraction)Z"
    }

    /// What RFC 3339 fields hold when something never happened.
    package static let never = "0001-01-01T00:00:00Z"

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    private static func parseRFC3339(_ text: String) -> Timestamp? {
        var rest = Array(text.utf8)[...]
        func digits(_ count: Int) -> Int? {
            guard rest.count >= count else { return nil }
            var number = 0
            for byte in rest.prefix(count) {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                number = number * 10 + Int(byte - UInt8(ascii: "0"))
            }
            rest = rest.dropFirst(count)
            return number
        }
        func skip(_ choices: String) -> Bool {
            guard let first = rest.first, choices.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = digits(4), skip("-"), let month = digits(2), skip("-"), let day = digits(2), skip("Tt "),
            let hour = digits(2), skip(":"), let minute = digits(2), skip(":"), let second = digits(2),
            (1...12).contains(month), (1...CivilDate.dayCount(ofMonth: month, year: year)).contains(day), hour < 24,
            minute < 60, second < 61
        else { return nil }
        var milliseconds = 0
        if skip(".") {
            var scale = 100
            guard let first = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return nil }
            while let digit = digits(1) {
                milliseconds += digit * scale
                scale /= 10
            }
        }
        var offsetMinutes = 0
        if !skip("Zz") {
            let isNegative = rest.first == UInt8(ascii: "-")
            guard skip("+-"), let hours = digits(2), skip(":"), let minutes = digits(2), hours <= 24, minutes < 60
            else { return nil }
            offsetMinutes = (hours * 60 + minutes) * (isNegative ? -1 : 1)
        }
        guard rest.isEmpty else { return nil }
        let days = CivilDate.daysSinceEpoch(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3600 + (minute - offsetMinutes) * 60 + second
        return Timestamp(milliseconds: Int64(seconds) * 1000 + Int64(milliseconds))
    }
}
