internal import Bytes
package import MetricModel

/// Appends metrics to a buffer in one of the text formats.
///
/// Whole families by `append(_:)`; or piece by piece, where names and labels are rendered beforehand, by `header`,
/// `renderSeries` and `append(series:value:)`. An OpenMetrics page is ended by `finish`.
package struct TextWriter {
    package let format: ExpositionFormat

    package init(format: ExpositionFormat) { self.format = format }

    /// Appends a family: its HELP, TYPE and, in OpenMetrics, UNIT lines, then its samples.
    package func append(_ family: MetricFamily, to bytes: inout [UInt8]) {
        header(name: family.name, metadata: family.metadata, to: &bytes)
        for sample in family.samples {
            let series = Self.renderSeries(name: family.name + sample.suffix, labels: sample.labels)
            append(
                series: series, value: sample.value, timestampMilliseconds: sample.timestampMilliseconds,
                exemplar: sample.exemplar, to: &bytes)
        }
    }

    /// Appends what stands before the samples of a family.
    ///
    /// A counter's family is named without `_total`; the text format, whose families are named as their samples, gets it
    /// with `_total` on.
    package func header(name: String, metadata: MetricMetadata, to bytes: inout [UInt8]) {
        let isText = format == .text
        let shown = isText && metadata.type == .counter && !name.hasSuffix("_total") ? name + "_total" : name
        var renderedName: [UInt8] = []
        if LabelName.isLegacyMetricName(shown) {
            renderedName = Array(shown.utf8)
        } else {
            Self.appendQuoted(shown, to: &renderedName)
        }
        if !metadata.help.isEmpty || isText {
            bytes.append(contentsOf: "# HELP ".utf8)
            bytes.append(contentsOf: renderedName)
            bytes.append(UInt8(ascii: " "))
            // The text format escapes no quotes in help texts.
            Self.appendEscaped(metadata.help, escapesQuotes: !isText, to: &bytes)
            bytes.append(UInt8(ascii: "\n"))
        }
        bytes.append(contentsOf: "# TYPE ".utf8)
        bytes.append(contentsOf: renderedName)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: typeName(metadata.type).utf8)
        bytes.append(UInt8(ascii: "\n"))
        guard !isText, !metadata.unit.isEmpty else { return }
        bytes.append(contentsOf: "# UNIT ".utf8)
        bytes.append(contentsOf: renderedName)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: metadata.unit.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Appends one sample line; `series` is what `renderSeries` gave.
    package func append(
        series: [UInt8], value: Double, timestampMilliseconds: Int64? = nil, exemplar: Exemplar? = nil,
        to bytes: inout [UInt8]
    ) {
        bytes.append(contentsOf: series)
        bytes.append(UInt8(ascii: " "))
        appendValue(value, to: &bytes)
        if let timestampMilliseconds {
            bytes.append(UInt8(ascii: " "))
            appendTimestamp(timestampMilliseconds, to: &bytes)
        }
        if format == .openMetrics, let exemplar { append(exemplar, to: &bytes) }
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Appends the end of the page.
    package func finish(_ bytes: inout [UInt8]) {
        if format == .openMetrics { bytes.append(contentsOf: "# EOF\n".utf8) }
    }

    /// `name{label="value",…}`, with names that are no legacy names quoted, as it goes before a value.
    package static func renderSeries(name: String, labels: [MetricFamily.Label]) -> [UInt8] {
        var bytes: [UInt8] = []
        let isLegacy = LabelName.isLegacyMetricName(name)
        if isLegacy { bytes.append(contentsOf: name.utf8) }
        guard !isLegacy || !labels.isEmpty else { return bytes }
        bytes.append(UInt8(ascii: "{"))
        if !isLegacy { appendQuoted(name, to: &bytes) }
        appendLabels(labels, isFirst: isLegacy, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    /// Appends `label="value",…`, with a comma before it unless it is the first in its braces.
    package static func appendLabels(
        _ labels: [MetricFamily.Label], isFirst: Bool = true, to bytes: inout [UInt8]
    ) {
        var needsComma = !isFirst
        for label in labels {
            if needsComma { bytes.append(UInt8(ascii: ",")) }
            needsComma = true
            if LabelName.isLegacyLabelName(label.name) {
                bytes.append(contentsOf: label.name.utf8)
            } else {
                appendQuoted(label.name, to: &bytes)
            }
            bytes.append(UInt8(ascii: "="))
            appendQuoted(label.value, to: &bytes)
        }
    }

    /// Appends text in quotes, with `\`, `"` and line feeds escaped.
    package static func appendQuoted(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        appendEscaped(text, escapesQuotes: true, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    private static func appendEscaped(_ text: String, escapesQuotes: Bool, to bytes: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes.append(contentsOf: [byte, byte])
            case UInt8(ascii: "\n"): bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
            case UInt8(ascii: "\"") where escapesQuotes: bytes.append(contentsOf: [UInt8(ascii: "\\"), byte])
            default: bytes.append(byte)
            }
        }
    }

    private func appendValue(_ value: Double, to bytes: inout [UInt8]) {
        DecimalFormatting.append(value, style: format == .text ? .compact : .openMetrics, to: &bytes)
    }

    private func appendTimestamp(_ milliseconds: Int64, to bytes: inout [UInt8]) {
        switch format {
        case .text: DecimalFormatting.append(milliseconds, to: &bytes)
        case .openMetrics: DecimalFormatting.append(Double(milliseconds) / 1000, style: .plain, to: &bytes)
        }
    }

    private func append(_ exemplar: Exemplar, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: " # {".utf8)
        Self.appendLabels(exemplar.labels.pairs.map { MetricFamily.Label($0.name, $0.value) }, to: &bytes)
        bytes.append(contentsOf: "} ".utf8)
        appendValue(exemplar.value, to: &bytes)
        guard let timestamp = exemplar.timestampMilliseconds else { return }
        bytes.append(UInt8(ascii: " "))
        appendTimestamp(timestamp, to: &bytes)
    }

    private func typeName(_ type: MetricMetadata.MetricType) -> String {
        guard format == .text else { return type.rawValue }
        return switch type {
        case .counter, .gauge, .histogram, .summary: type.rawValue
        case .info, .stateSet: "gauge"
        case .gaugeHistogram: "histogram"
        case .unknown: "untyped"
        }
    }
}
