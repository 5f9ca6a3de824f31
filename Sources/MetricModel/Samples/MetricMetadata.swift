/// What an exposition says about a metric family.
package struct MetricMetadata: Hashable, Sendable {
    package enum MetricType: String, Sendable, CaseIterable {
        case counter, gauge, histogram, summary, info
        case gaugeHistogram = "gaugehistogram"
        case stateSet = "stateset"
        case unknown
    }

    package var type: MetricType
    package var help: String
    package var unit: String

    package init(type: MetricType = .unknown, help: String = "", unit: String = "") {
        self.type = type
        self.help = help
        self.unit = unit
    }
}
