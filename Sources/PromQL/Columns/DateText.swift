import MetricModel

/// Times as RFC 3339 in UTC: `2026-01-01T00:00:00Z`, milliseconds only where there are some.
enum DateText {
    static func text(_ milliseconds: Int64) -> String {
        let seconds = Double(milliseconds) / 1000
        let fraction = ((milliseconds % 1000) + 1000) % 1000
        let whole = (seconds - Double(fraction) / 1000).rounded()
        func field(_ field: CalendarField, _ width: Int = 2) -> String {
            let digits = String(Int(field.value(of: whole)))
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        let second = ((Int64(whole) % 60) + 60) % 60
        var result = field(.year, 4) + "-" + field(.month) + "-" + field(.dayOfMonth) + "T" + field(.hour) + ":"
        result += field(.minute) + ":" + (second < 10 ? "0" : "") + String(second)
        if fraction > 0 {
            var digits = String(1000 + fraction).dropFirst()
            while digits.hasSuffix("0") { digits = digits.dropLast() }
            result += "." + digits
        }
        return result + "Z"
    }
}
