import MetricModel

/// What a page that can be read does against Prometheus' conventions for names, types and help.
///
/// The conventions: https://prometheus.io/docs/practices/naming/ and the rules of `promtool check metrics`.
package struct PageLint {
    package struct Finding: Hashable, Sendable {
        /// The first line of the metric, or that of the sample; counted from 1.
        package var line: Int
        package var metric: String
        package var what: String
    }

    private struct Family {
        var firstLine: Int
        var labelNames: Set<String> = []
        /// Names of its samples, its own included.
        var sampleNames: Set<String> = []
    }

    /// In order of lines.
    package let findings: [Finding]
    package let seriesCount: Int
    package let metricCount: Int

    /// Reads a whole page.
    package init(_ page: [UInt8], format: ExpositionFormat) throws(ExpositionError) {
        var parser = ExpositionParser(page, format: format)
        var metadata: [String: MetricMetadata] = [:]
        var families: [String: Family] = [:]
        var series: [LabelSet: Int64?] = [:]
        var findings: [Finding] = []
        while let item = try parser.next() {
            switch item {
            case .metadata(let line):
                switch line.field {
                case .type(let type): metadata[line.family, default: MetricMetadata()].type = type
                case .help(let help): metadata[line.family, default: MetricMetadata()].help = help
                case .unit(let unit): metadata[line.family, default: MetricMetadata()].unit = unit
                }
            case .sample(let sample):
                let name = sample.labels.metricName
                let familyName = Self.family(of: name, metadata)
                families[familyName, default: Family(firstLine: sample.line)].sampleNames.insert(name)
                families[familyName]?.labelNames.formUnion(sample.labels.pairs.map(\.name))
                let earlier = series.updateValue(sample.timestampMilliseconds, forKey: sample.labels)
                if let earlier, earlier == sample.timestampMilliseconds {
                    findings.append(
                        Finding(line: sample.line, metric: name, what: "\(sample.labels) stands on the page already"))
                }
            }
        }
        for (name, family) in families {
            let known = metadata[name]
            let remarks =
                Self.remarks(onName: name) + Self.remarks(on: family, named: name, metadata: known, format: format)
            findings += remarks.map { Finding(line: family.firstLine, metric: name, what: $0) }
        }
        self.findings = findings.sorted { ($0.line, $0.metric, $0.what) < ($1.line, $1.metric, $1.what) }
        seriesCount = series.count
        metricCount = families.count
    }

    /// The metric that a sample's name belongs to: its own, or one whose type brings samples with such an ending.
    private static func family(of name: String, _ metadata: [String: MetricMetadata]) -> String {
        guard metadata[name] == nil else { return name }
        for ending in ["_bucket", "_count", "_sum", "_total", "_created", "_info", "_gcount", "_gsum"]
        where name.hasSuffix(ending) {
            let base = String(name.dropLast(ending.count))
            if metadata[base] != nil { return base }
        }
        return name
    }

    private static func remarks(
        on family: Family, named name: String, metadata: MetricMetadata?, format: ExpositionFormat
    ) -> [String] {
        let type = metadata?.type ?? .unknown
        var remarks: [String] = []
        if (metadata?.help ?? "").isEmpty { remarks.append("has no help text: add # HELP") }
        if metadata == nil || type == .unknown { remarks.append("has no type: add # TYPE") }
        if type == .counter, !family.sampleNames.allSatisfy({ $0.hasSuffix("_total") || $0.hasSuffix("_created") }) {
            remarks.append("is a counter: its name should end in _total")
        }
        if type != .counter, type != .unknown, name.hasSuffix("_total") {
            remarks.append("is no counter: its name should not end in _total")
        }
        let hasParts = [.histogram, .summary, .gaugeHistogram].contains(type)
        if !hasParts, type != .unknown, let ending = ["_bucket", "_count", "_sum"].first(where: name.hasSuffix) {
            remarks.append("is no histogram or summary: its name should not end in \(ending)")
        }
        if type != .histogram, type != .gaugeHistogram, type != .unknown, family.labelNames.contains("le") {
            remarks.append("is no histogram: it should not have the label le")
        }
        if type != .summary, type != .unknown, family.labelNames.contains("quantile") {
            remarks.append("is no summary: it should not have the label quantile")
        }
        for label in family.labelNames.sorted() where isCamelCase(label) {
            remarks.append("label \(label) should be written in snake_case")
        }
        return remarks
    }

    private static func remarks(onName name: String) -> [String] {
        var remarks: [String] = []
        if name.contains(":") { remarks.append("colons are for the names of recording rules") }
        if isCamelCase(name) { remarks.append("should be written in snake_case") }
        let words = name.split(separator: "_").map { $0.lowercased() }
        for word in ["counter", "gauge", "histogram", "summary"] where words.last == word {
            remarks.append("should not have its type \(word) in its name")
        }
        for word in words {
            guard let base = baseUnits[word] else { continue }
            remarks.append("should use the base unit \(base), not \(word)")
        }
        return remarks
    }

    private static let baseUnits: [String: String] = [
        "milliseconds": "seconds", "microseconds": "seconds", "nanoseconds": "seconds", "minutes": "seconds",
        "hours": "seconds", "days": "seconds", "weeks": "seconds", "ms": "seconds", "us": "seconds", "ns": "seconds",
        "kilobytes": "bytes", "megabytes": "bytes", "gigabytes": "bytes", "kibibytes": "bytes", "mebibytes": "bytes",
        "gibibytes": "bytes", "bits": "bytes", "percent": "ratio", "fahrenheit": "celsius", "kilometers": "meters",
        "millimeters": "meters", "inches": "meters", "kilograms": "grams", "milliamperes": "amperes",
        "millivolts": "volts",
    ]

    private static func isCamelCase(_ name: String) -> Bool {
        var previousIsLower = false
        for byte in name.utf8 {
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            if isUpper, previousIsLower { return true }
            previousIsLower = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        }
        return false
    }
}
