import Bytes

/// Numbers in texts.
enum NaiveText {
    /// As Go's `%g` writes them.
    static func general(_ value: Double) -> String { DecimalFormatting.text(value, style: .compact) }

    /// Without an exponent.
    static func plain(_ value: Double) -> String { DecimalFormatting.text(value, style: .plain) }

    /// The form of bounds and quantiles in labels: a whole number has one decimal.
    static func openMetrics(_ value: Double) -> String { DecimalFormatting.text(value, style: .openMetrics) }
}

extension NaiveHistogram {
    /// The form that `count_values` writes into a label.
    var text: String {
        var parts = ["count:\(NaiveText.general(count))", "sum:\(NaiveText.general(sum))"]
        for bucket in buckets {
            let open =
                bucket.isZero || bucket.lower < 0 && !isCustom
                ? "[" : isCustom && bucket.lower == -.infinity ? "[" : "("
            let close = bucket.isZero || bucket.upper > 0 || isCustom ? "]" : ")"
            parts.append(
                "\(open)\(NaiveText.general(bucket.lower)),\(NaiveText.general(bucket.upper))\(close):"
                    + NaiveText.general(bucket.count))
        }
        return "{" + parts.joined(separator: ", ") + "}"
    }
}
