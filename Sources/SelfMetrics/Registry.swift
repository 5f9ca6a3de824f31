import Bytes
import Synchronization

/// The process' own metrics: made once by their users, written out on request.
///
/// Names and labels are rendered when a metric is made; writing a page only formats numbers. Asking again for a name with
/// the same labels gives the same metric. A name belongs to one kind: asking for another kind is a programmer's error.
package final class Registry: Sendable {
    private enum Instrument {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(LatencyHistogram)
        case computed(@Sendable () -> Double)
    }

    private struct Member {
        /// `{label="value"}` as it stands on the page; empty without labels.
        var labels: String
        var instrument: Instrument
    }

    private struct Family {
        var type: String
        var help: String
        var members: [Member] = []
    }

    private struct State {
        var families: [String: Family] = [:]
        var writers: [@Sendable (inout [UInt8]) -> Void] = []
    }

    private let state = Mutex(State())

    package init() {}

    package func counter(_ name: String, help: String, labels: KeyValuePairs<String, String> = [:]) -> Counter {
        let made = member(name, type: "counter", help: help, labels: labels) { .counter(Counter()) }
        guard case .counter(let counter) = made else { preconditionFailure("\(name) is not a counter") }
        return counter
    }

    package func gauge(_ name: String, help: String, labels: KeyValuePairs<String, String> = [:]) -> Gauge {
        let made = member(name, type: "gauge", help: help, labels: labels) { .gauge(Gauge()) }
        guard case .gauge(let gauge) = made else { preconditionFailure("\(name) is not a gauge") }
        return gauge
    }

    package func histogram(
        _ name: String, help: String, labels: KeyValuePairs<String, String> = [:],
        bounds: [Double] = LatencyHistogram.defaultBounds
    ) -> LatencyHistogram {
        let made = member(name, type: "histogram", help: help, labels: labels) {
            .histogram(LatencyHistogram(bounds: bounds))
        }
        guard case .histogram(let histogram) = made else { preconditionFailure("\(name) is not a histogram") }
        return histogram
    }

    /// A gauge whose value is asked for when a page is written.
    package func gauge(
        _ name: String, help: String, labels: KeyValuePairs<String, String> = [:],
        compute: @escaping @Sendable () -> Double
    ) {
        _ = member(name, type: "gauge", help: help, labels: labels) { .computed(compute) }
    }

    /// A counter whose value is asked for when a page is written.
    package func counter(
        _ name: String, help: String, labels: KeyValuePairs<String, String> = [:],
        compute: @escaping @Sendable () -> Double
    ) {
        _ = member(name, type: "counter", help: help, labels: labels) { .computed(compute) }
    }

    /// Something that appends whole families of its own, text format 0.0.4, behind the others.
    package func addWriter(_ writer: @escaping @Sendable (inout [UInt8]) -> Void) {
        state.withLock { $0.writers.append(writer) }
    }

    /// Appends all families in text format 0.0.4, by name.
    package func render(into output: inout [UInt8]) {
        let (families, writers) = state.withLock { ($0.families, $0.writers) }
        for name in families.keys.sorted() {
            guard let family = families[name] else { continue }
            output += "# HELP \(name) \(Self.escaped(family.help))\n# TYPE \(name) \(family.type)\n".utf8
            for member in family.members { Self.render(name, member, into: &output) }
        }
        for writer in writers { writer(&output) }
    }

    private static func render(_ name: String, _ member: Member, into output: inout [UInt8]) {
        switch member.instrument {
        case .counter(let counter): line(name, member.labels, counter.value, into: &output)
        case .gauge(let gauge): line(name, member.labels, gauge.value, into: &output)
        case .computed(let compute): line(name, member.labels, compute(), into: &output)
        case .histogram(let histogram):
            let (counts, sum) = histogram.snapshot
            for (index, count) in counts.enumerated() {
                let bound = index < histogram.bounds.count ? histogram.bounds[index] : Double.infinity
                let text = "le=\"" + DecimalFormatting.text(bound, style: .openMetrics) + "\""
                let labels = member.labels.isEmpty ? "{\(text)}" : member.labels.dropLast() + ",\(text)}"
                line(name + "_bucket", labels, Double(count), into: &output)
            }
            line(name + "_sum", member.labels, sum, into: &output)
            line(name + "_count", member.labels, Double(counts.last ?? 0), into: &output)
        }
    }

    private static func line(_ name: String, _ labels: String, _ value: Double, into output: inout [UInt8]) {
        output += name.utf8
        output += labels.utf8
        output.append(UInt8(ascii: " "))
        DecimalFormatting.append(value, style: .general, to: &output)
        output.append(UInt8(ascii: "\n"))
    }

    private func member(
        _ name: String, type: String, help: String, labels: KeyValuePairs<String, String>, make: () -> Instrument
    ) -> Instrument {
        let rendered = Self.rendered(labels)
        return state.withLock { state in
            var family = state.families[name] ?? Family(type: type, help: help)
            if let known = family.members.first(where: { $0.labels == rendered }) { return known.instrument }
            let instrument = make()
            family.members.append(Member(labels: rendered, instrument: instrument))
            state.families[name] = family
            return instrument
        }
    }

    private static func rendered(_ labels: KeyValuePairs<String, String>) -> String {
        if labels.isEmpty { return "" }
        let pairs = labels.map { name, value in
            name + "=\""
                + escaped(value).split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"")
                + "\""
        }
        return "{" + pairs.joined(separator: ",") + "}"
    }

    /// Backslashes and line ends, as help texts and label values write them.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
