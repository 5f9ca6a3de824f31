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

    /// Reads RFC 3339 as Go's `time.Parse`: capital letters alone, an hour may have one digit, the fraction may stand behind a
    /// comma.
    private static func parseRFC3339(_ text: String) -> Timestamp? {
        var text = DigitReader(text)
        guard let year = text.number(digits: 4), text.skip("-"), let month = text.number(digits: 2), text.skip("-"),
            let day = text.number(digits: 2), text.skip("T"),
            let hour = text.number(digits: 2) ?? text.number(digits: 1), text.skip(":"),
            let minute = text.number(digits: 2), text.skip(":"), let second = text.number(digits: 2),
            (1...12).contains(month), (1...CivilDate.dayCount(ofMonth: month, year: year)).contains(day), hour < 24,
            minute < 60, second < 60, let nanoseconds = text.fraction(), let offset = text.offset(), text.isAtEnd
        else { return nil }
        let days = CivilDate.daysSinceEpoch(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3600 + (minute - offset) * 60 + second
        // As in Prometheus towards 1970.
        let milliseconds = (nanoseconds + (seconds < 0 ? 999_999 : 0)) / 1_000_000
        return Timestamp(milliseconds: Int64(seconds) * 1000 + Int64(milliseconds))
    }
}

/// Takes the parts of an RFC 3339 time from a text, one after the other.
private struct DigitReader {
    private var rest: ArraySlice<UInt8>

    init(_ text: String) { rest = Array(text.utf8)[...] }

    var isAtEnd: Bool { rest.isEmpty }

    /// The number that so many digits are; nil, and nothing is taken, where they are none.
    mutating func number(digits count: Int) -> Int? {
        guard rest.count >= count else { return nil }
        var number = 0
        for byte in rest.prefix(count) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        rest = rest.dropFirst(count)
        return number
    }

    mutating func skip(_ choices: String) -> Bool {
        guard let first = rest.first, choices.utf8.contains(first) else { return false }
        rest = rest.dropFirst()
        return true
    }

    /// Nanoseconds behind a point or comma, 0 without one; nil where no digit follows it.
    mutating func fraction() -> Int? {
        guard skip(".,") else { return 0 }
        guard let first = number(digits: 1) else { return nil }
        var scale = 100_000_000
        var nanoseconds = first * scale
        while let digit = number(digits: 1) {
            scale /= 10
            nanoseconds += digit * scale
        }
        return nanoseconds
    }

    /// The minutes that the time is ahead of UTC.
    mutating func offset() -> Int? {
        if skip("Z") { return 0 }
        let isNegative = rest.first == UInt8(ascii: "-")
        // Go lets both have one more than clocks show.
        guard skip("+-"), let hours = number(digits: 2), skip(":"), let minutes = number(digits: 2), hours <= 24,
            minutes <= 60
        else { return nil }
        return (hours * 60 + minutes) * (isNegative ? -1 : 1)
    }
}
