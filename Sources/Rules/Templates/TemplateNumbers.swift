import MetricModel

/// Prometheus' functions over numbers and times.
enum TemplateNumbers {
    private static let large = ["k", "M", "G", "T", "P", "E", "Z", "Y"]
    private static let largeBinary = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"]
    private static let small = ["m", "u", "n", "p", "f", "a", "z", "y"]

    static func call(_ arguments: TemplateArguments, now: Timestamp) throws(TemplateError) -> TemplateValue {
        switch arguments.function {
        case .now: return .float(now.seconds)
        case .humanize: return .string(humanized(try arguments.number(0)))
        case .humanize1024: return .string(humanized1024(try arguments.number(0)))
        case .humanizeDuration: return .string(humanizedDuration(try arguments.number(0)))
        case .humanizePercentage: return .string(fourDigits(try arguments.number(0) * 100) + "%")
        case .humanizeTimestamp:
            let seconds = try arguments.number(0)
            guard seconds.isFinite else { return .string(fourDigits(seconds)) }
            return .string(GoTime.text(try time(seconds)))
        case .toTime: return .time(nanoseconds: try time(try arguments.number(0)))
        case .toDuration: return .duration(nanoseconds: try nanoseconds(try arguments.number(0)))
        default:
            let text = try arguments.string(0)
            guard let milliseconds = DurationText.milliseconds(text) else {
                throw TemplateError("parseDuration: \(LabelName.quoted(text)) is not a duration")
            }
            return .float(Double(milliseconds) / 1000)
        }
    }

    /// Times have milliseconds, as samples do.
    private static func time(_ seconds: Double) throws(TemplateError) -> Int64 {
        try nanoseconds(seconds) / 1_000_000 * 1_000_000
    }

    private static func nanoseconds(_ seconds: Double) throws(TemplateError) -> Int64 {
        guard let nanoseconds = GoTime.nanoseconds(ofSeconds: seconds) else {
            throw TemplateError("\(GoFormat.shortest(seconds)) s cannot be a time: it overflows 64 bits of nanoseconds")
        }
        return nanoseconds
    }

    /// Four significant digits (`%.4g`).
    static func fourDigits(_ value: Double) -> String { GoFormat.number(value, verb: "g", precision: 4) }

    private static func humanized(_ value: Double) -> String {
        guard value != 0, value.isFinite else { return fourDigits(value) }
        return value.magnitude >= 1 ? scaled(value, by: 1000, large) : shrunk(value)
    }

    private static func humanized1024(_ value: Double) -> String {
        guard value.magnitude > 1, value.isFinite else { return fourDigits(value) }
        return scaled(value, by: 1024, largeBinary)
    }

    private static func scaled(_ value: Double, by base: Double, _ prefixes: [String]) -> String {
        var value = value
        var prefix = ""
        for next in prefixes where value.magnitude >= base {
            prefix = next
            value /= base
        }
        return fourDigits(value) + prefix
    }

    private static func shrunk(_ value: Double) -> String {
        var value = value
        var prefix = ""
        for next in small where value.magnitude < 1 {
            prefix = next
            value *= 1000
        }
        return fourDigits(value) + prefix
    }

    static func humanizedDuration(_ value: Double) -> String {
        guard value.isFinite else { return fourDigits(value) }
        guard value != 0 else { return "0s" }
        guard value.magnitude >= 1 else { return shrunk(value) + "s" }
        guard value.magnitude < 9e18 else { return fourDigits(value) + "s" }
        let sign = value < 0 ? "-" : ""
        let whole = Int64(value.magnitude)
        let (seconds, minutes, hours, days) = (whole % 60, whole / 60 % 60, whole / 3600 % 24, whole / 86_400)
        if days != 0 { return "\(sign)\(days)d \(hours)h \(minutes)m \(seconds)s" }
        if hours != 0 { return "\(sign)\(hours)h \(minutes)m \(seconds)s" }
        if minutes != 0 { return "\(sign)\(minutes)m \(seconds)s" }
        return sign + fourDigits(value.magnitude) + "s"
    }
}
