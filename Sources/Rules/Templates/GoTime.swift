import MetricModel

/// Go's `time`: how times and durations print, and the methods that templates call on them.
///
/// Everything is UTC.
enum GoTime {
    private static let monthNames = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// A time as `fmt.Sprint` shows it: `2015-06-23 13:19:44.128 +0000 UTC`.
    static func text(_ nanoseconds: Int64) -> String {
        format(nanoseconds, layout: "2006-01-02 15:04:05.999999999 -0700 MST")
    }

    /// Nanoseconds of a time in seconds; nil where they do not fit.
    static func nanoseconds(ofSeconds seconds: Double) -> Int64? {
        guard seconds.isFinite, seconds.magnitude < 9.2e9 else { return nil }
        return Int64(seconds * 1e9)
    }

    /// `time.Duration.String`: `1h30m0s`, `1.5s`, `20ms`.
    static func durationText(_ nanoseconds: Int64) -> String {
        if nanoseconds == 0 { return "0s" }
        let sign = nanoseconds < 0 ? "-" : ""
        let magnitude = nanoseconds.magnitude
        if magnitude < 1_000_000_000 {
            for (unit, size) in [("ns", UInt64(1)), ("µs", 1_000), ("ms", 1_000_000)] where magnitude < size * 1000 {
                return sign + fraction(magnitude, size) + unit
            }
        }
        let seconds = magnitude / 1_000_000_000
        let minutes = seconds / 60
        var text = fraction(magnitude % 60_000_000_000, 1_000_000_000) + "s"
        if minutes > 0 { text = String(minutes % 60) + "m" + text }
        if minutes >= 60 { text = String(minutes / 60) + "h" + text }
        return sign + text
    }

    private static func fraction(_ value: UInt64, _ unit: UInt64) -> String {
        var text = String(value / unit)
        var rest = value % unit
        guard rest > 0 else { return text }
        text += "."
        var size = unit / 10
        while rest > 0, size > 0 {
            text += String(rest / size)
            rest %= size
            size /= 10
        }
        return text
    }

    // MARK: Methods

    /// Calls a method of a time or a duration; nil where there is none of that name.
    static func call(
        _ method: String, on value: TemplateValue, _ arguments: [TemplateValue]
    ) throws(TemplateError) -> TemplateValue? {
        switch value {
        case .time(let nanoseconds): try call(method, time: nanoseconds, arguments)
        case .duration(let nanoseconds): call(method, duration: nanoseconds)
        default: nil
        }
    }

    private static func call(
        _ method: String, time: Int64, _ arguments: [TemplateValue]
    ) throws(TemplateError) -> TemplateValue? {
        let date = civilDate(time)
        switch method {
        case "Format":
            guard case .string(let layout) = arguments.first, arguments.count == 1 else {
                throw TemplateError("Format: expected one string")
            }
            return .string(format(time, layout: layout))
        case "Add":
            guard case .duration(let duration) = arguments.first, arguments.count == 1 else {
                throw TemplateError("Add: expected one duration")
            }
            return .time(nanoseconds: time &+ duration)
        case "UTC", "Local": return .time(nanoseconds: time)
        case "String": return .string(text(time))
        case "Unix": return .integer(floorDivide(time, 1_000_000_000))
        case "UnixMilli": return .integer(floorDivide(time, 1_000_000))
        case "UnixNano": return .integer(time)
        case "Year": return .integer(Int64(date.year))
        case "Month": return .string(monthNames[date.month - 1])
        case "Day": return .integer(Int64(date.day))
        case "Hour": return .integer(Int64(date.hour))
        case "Minute": return .integer(Int64(date.minute))
        case "Second": return .integer(Int64(date.second))
        case "Weekday": return .string(dayNames[date.weekday])
        case "YearDay":
            let first = CivilDate.daysSinceEpoch(year: date.year, month: 1, day: 1)
            return .integer(floorDivide(time, 86_400_000_000_000) - Int64(first) + 1)
        default: return nil
        }
    }

    private static func call(_ method: String, duration: Int64) -> TemplateValue? {
        switch method {
        case "String": .string(durationText(duration))
        case "Hours": .float(Double(duration) / 3.6e12)
        case "Minutes": .float(Double(duration) / 6e10)
        case "Seconds": .float(Double(duration) / 1e9)
        case "Milliseconds": .integer(duration / 1_000_000)
        case "Microseconds": .integer(duration / 1_000)
        case "Nanoseconds": .integer(duration)
        default: nil
        }
    }

    // MARK: Layouts

    /// The pieces of a layout, longest first where one is the start of another.
    private static let pieces = [
        "January", "Jan", "Monday", "Mon", "MST", "2006", "-07:00", "-0700", "-07", "Z07:00", "Z0700", "002", "01",
        "02", "03", "04", "05", "06", "15", "PM", "pm", "_2", "1", "2", "3", "4", "5",
    ].map { Array($0.utf8) }

    static func format(_ nanoseconds: Int64, layout: String) -> String {
        let date = civilDate(nanoseconds)
        let bytes = Array(layout.utf8)
        var result: [UInt8] = []
        var position = 0
        while position < bytes.count {
            if let (text, length) = fraction(of: nanoseconds, bytes, at: position) {
                result.append(contentsOf: text)
                position += length
            } else if let piece = pieces.first(where: { bytes[position...].starts(with: $0) }) {
                result.append(contentsOf: text(of: String(decoding: piece, as: UTF8.self), date).utf8)
                position += piece.count
            } else {
                result.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// `.000` keeps its zeros, `.999` drops them; only behind the seconds' point and before no other digit.
    private static func fraction(of nanoseconds: Int64, _ bytes: [UInt8], at position: Int) -> ([UInt8], Int)? {
        guard bytes[position] == UInt8(ascii: ".") || bytes[position] == UInt8(ascii: ","), position + 1 < bytes.count,
            bytes[position + 1] == UInt8(ascii: "0") || bytes[position + 1] == UInt8(ascii: "9")
        else { return nil }
        let kind = bytes[position + 1]
        var end = position + 1
        while end < bytes.count, bytes[end] == kind { end += 1 }
        if end < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[end]) { return nil }
        let count = end - position - 1
        let rest = nanoseconds - floorDivide(nanoseconds, 1_000_000_000) * 1_000_000_000
        let text = String(rest)
        var digits = Array((String(repeating: "0", count: max(0, 9 - text.utf8.count)) + text).utf8.prefix(count))
        if kind == UInt8(ascii: "9") { while digits.last == UInt8(ascii: "0") { digits.removeLast() } }
        return (digits.isEmpty ? [] : [bytes[position]] + digits, count + 1)
    }

    private static func text(of piece: String, _ date: CivilDate) -> String {
        func padded(_ number: Int, _ count: Int, with filler: String = "0") -> String {
            let text = String(number)
            return String(repeating: filler, count: max(0, count - text.utf8.count)) + text
        }
        let hour = date.hour % 12 == 0 ? 12 : date.hour % 12
        switch piece {
        case "2006": return padded(date.year, 4)
        case "06": return padded(date.year % 100, 2)
        case "01": return padded(date.month, 2)
        case "1": return String(date.month)
        case "January": return monthNames[date.month - 1]
        case "Jan": return String(monthNames[date.month - 1].prefix(3))
        case "02": return padded(date.day, 2)
        case "_2": return padded(date.day, 2, with: " ")
        case "2": return String(date.day)
        case "002":
            let first = CivilDate.daysSinceEpoch(year: date.year, month: 1, day: 1)
            return padded(CivilDate.daysSinceEpoch(year: date.year, month: date.month, day: date.day) - first + 1, 3)
        case "15": return padded(date.hour, 2)
        case "03": return padded(hour, 2)
        case "3": return String(hour)
        case "04": return padded(date.minute, 2)
        case "4": return String(date.minute)
        case "05": return padded(date.second, 2)
        case "5": return String(date.second)
        case "PM": return date.hour < 12 ? "AM" : "PM"
        case "pm": return date.hour < 12 ? "am" : "pm"
        case "Monday": return dayNames[date.weekday]
        case "Mon": return String(dayNames[date.weekday].prefix(3))
        case "MST": return "UTC"
        case "-0700": return "+0000"
        case "-07:00": return "+00:00"
        case "-07": return "+00"
        default: return "Z"
        }
    }

    private static func civilDate(_ nanoseconds: Int64) -> CivilDate {
        CivilDate(Timestamp(milliseconds: floorDivide(nanoseconds, 1_000_000)))
    }

    private static func floorDivide(_ dividend: Int64, _ divisor: Int64) -> Int64 {
        let quotient = dividend / divisor
        return dividend % divisor < 0 ? quotient - 1 : quotient
    }
}
