import Bytes
import Glibc

/// Numbers as Go's `fmt` writes them, for texts that must agree with Prometheus'.
enum GoNumber {
    /// `%g`: the shortest text, with an exponent below 1e-4 and from 1e+06 on.
    static func general(_ value: Double) -> String { DecimalFormatting.text(value, style: .compact) }
}

extension GoNumber {
    /// `%f`: six decimals.
    static func sixDecimals(_ value: Double) -> String {
        guard value.isFinite else { return general(value) }
        guard value.magnitude < 1e12 else { return DecimalFormatting.text(value, style: .plain) + ".000000" }
        let millionths = Int64((value.magnitude * 1e6).rounded())
        let fraction = String(millionths % 1_000_000)
        let padding = String(repeating: "0", count: 6 - fraction.utf8.count)
        return (value.sign == .minus ? "-" : "") + String(millionths / 1_000_000) + "." + padding + fraction
    }
}

extension GoNumber {
    /// `%.2g`: two significant digits.
    static func twoDigits(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return general(value) }
        let exponent = Int(log10(value.magnitude).rounded(.down))
        let scale = pow(10, Double(1 - exponent))
        let rounded = (value * scale).rounded(.toNearestOrEven) / scale
        // Two digits leave no room for three before the point.
        guard exponent >= -4, exponent < 2 else { return DecimalFormatting.text(rounded, style: .exponent) }
        return general(rounded)
    }
}
