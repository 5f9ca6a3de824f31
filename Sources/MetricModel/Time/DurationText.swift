/// Durations as Prometheus writes them: `1h30m`, units from long to short, each at most once.
package enum DurationText {
    /// Unit and its milliseconds, in the order in which they may follow each other.
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("y", 365 * 86_400_000), ("w", 7 * 86_400_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000),
        ("ms", 1),
    ]

    /// Milliseconds of a duration such as `5m`, `1d12h` or `0`; nil where the text is not one or overflows.
    package static func milliseconds(_ text: some StringProtocol) -> Int64? {
        if text == "0" { return 0 }
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { return nil }
        var total: Int64 = 0
        var nextUnit = 0
        var position = 0
        while position < bytes.count {
            let digitsStart = position
            var number: Int64 = 0
            while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
                let (product, overflows) = number.multipliedReportingOverflow(by: 10)
                let (sum, overflowsToo) = product.addingReportingOverflow(Int64(bytes[position] - UInt8(ascii: "0")))
                guard !overflows, !overflowsToo else { return nil }
                number = sum
                position += 1
            }
            guard position > digitsStart else { return nil }
            let unitStart = position
            while position < bytes.count, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(bytes[position]) {
                position += 1
            }
            let name = String(decoding: bytes[unitStart..<position], as: UTF8.self)
            guard let unit = units[nextUnit...].firstIndex(where: { $0.name == name }) else { return nil }
            nextUnit = unit + 1
            let (part, overflows) = number.multipliedReportingOverflow(by: units[unit].milliseconds)
            let (sum, overflowsToo) = total.addingReportingOverflow(part)
            guard !overflows, !overflowsToo, sum <= Int64.max / 1_000_000 else { return nil }
            total = sum
        }
        return total
    }

    /// The canonical text of a duration.
    ///
    /// `5400000` is `1h30m`, zero is `0s`. Years and weeks only when they divide it, as Prometheus prints.
    package static func text(milliseconds: Int64) -> String {
        if milliseconds == 0 { return "0s" }
        var rest = milliseconds.magnitude
        var result = milliseconds < 0 ? "-" : ""
        for unit in units {
            let size = UInt64(unit.milliseconds)
            let onlyExact = unit.name == "y" || unit.name == "w" || unit.name == "d"
            if onlyExact && unit.name != "d" && rest % size != 0 { continue }
            let count = rest / size
            if count > 0 {
                result += String(count) + unit.name
                rest -= count * size
            }
        }
        return result
    }
}
