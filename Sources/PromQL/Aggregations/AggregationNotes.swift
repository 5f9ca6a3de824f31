/// What an aggregation noticed.
struct AggregationNotes {
    struct Kinds: OptionSet {
        let rawValue: UInt8
        static let mixedFloatsAndHistograms = Kinds(rawValue: 1)
        static let ignoredHistograms = Kinds(rawValue: 2)
        static let reconciledCustomBuckets = Kinds(rawValue: 4)
        static let counterResetCollision = Kinds(rawValue: 8)
    }

    private(set) var kinds: Kinds
    /// The names of the series at which exponential and custom buckets met, each once.
    private(set) var metricsOfMixedSchemas: [String] = []

    init(_ kinds: Kinds = []) { self.kinds = kinds }

    var isEmpty: Bool { kinds.isEmpty && metricsOfMixedSchemas.isEmpty }

    mutating func insert(_ kind: Kinds) { kinds.insert(kind) }

    /// The series of a metric has histograms whose buckets do not go with those of its group.
    mutating func insertMixedSchemas(at metric: String) {
        if !metricsOfMixedSchemas.contains(metric) { metricsOfMixedSchemas.append(metric) }
    }
}
