/// Durations as Prometheus writes them: `1h30m`, units from long to short, each at most once.
package enum DurationText {
    /// Unit and its milliseconds, in the order in which they may follow each other.
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("y", 365 * 86_400_000), ("w", 7 * 86_400_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000),
        ("ms", 1),
    ]

    /// What is wrong with a text.
    package enum Fault: Error, Equatable {
        /// A number is missing or no number, a unit is missing or out of order.
        case malformed
        case unknownUnit(String)
        /// More than the 292 years that 63 bits of nanoseconds hold.
        case outOfRange
    }

    /// Milliseconds of a duration such as `5m`, `1d12h` or `0`; nil where the text is not one or overflows.
    package static func milliseconds(_ text: some StringProtocol) -> Int64? { try? parse(text) }

    /// The same, with the first fault where there is one; which one is found first is Prometheus' (`model.ParseDuration`).
    package static func parse(_ text: some StringProtocol) throws(Fault) -> Int64 {
        if text == "0" { return 0 }
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { throw .malformed }
        var total: Int64 = 0
        var nextUnit = 0
        var position = 0
        while position < bytes.count {
            let digitsStart = position
            while position < bytes.count, isDigit(bytes[position]) { position += 1 }
            guard let number = UInt64(String(decoding: bytes[digitsStart..<position], as: UTF8.self)) else {
                throw .malformed
            }
            let unitStart = position
            while position < bytes.count, !isDigit(bytes[position]) { position += 1 }
            guard position > unitStart else { throw .malformed }
            let name = String(decoding: bytes[unitStart..<position], as: UTF8.self)
            guard let unit = units.firstIndex(where: { $0.name == name }) else { throw .unknownUnit(name) }
            guard unit >= nextUnit else { throw .malformed }
            nextUnit = unit + 1
            let (part, overflows) = number.multipliedReportingOverflow(by: UInt64(units[unit].milliseconds))
            guard !overflows, part <= limitMilliseconds - total else { throw .outOfRange }
            total += Int64(part)
        }
        return total
    }

    /// What 63 bits of nanoseconds hold.
    private static let limitMilliseconds = Int64.max / 1_000_000

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

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
