import MetricModel
import PromQLSyntax
import Storage

/// The input series of a test, handed out as time goes on.
struct RuleTestInput {
    private let series: [SeriesNotation.Series]
    private let intervalMilliseconds: Int64
    private let start: Timestamp
    /// How many points of every series are in the store.
    private var pointCount = 0

    init(_ test: RuleTest, intervalMilliseconds: Int64) throws(RuleError) {
        self.intervalMilliseconds = max(1, intervalMilliseconds)
        start = test.start
        var parsed: [SeriesNotation.Series] = []
        for entry in test.inputSeries {
            do throws(SyntaxError) {
                parsed.append(try SeriesNotation.parse(entry.series + " " + entry.values))
            } catch {
                throw .expression(rule: entry.series, message: error.description)
            }
        }
        series = parsed
    }

    /// Appends the points up to a distance from the test's start, so that no rule looks into its future.
    mutating func append(upTo offset: Int64, to store: any SampleStore) throws(RuleError) {
        let wanted = Int(clamping: offset / intervalMilliseconds) + 1
        guard wanted > pointCount else { return }
        var batch = SampleBatch()
        for entry in series {
            let columns = columns(of: entry.values, pointCount..<min(wanted, max(pointCount, entry.values.count)))
            if !columns.isEmpty { batch.series.append(.init(labels: entry.labels, columns: columns)) }
        }
        pointCount = wanted
        guard !batch.series.isEmpty else { return }
        do throws(AppendError) {
            _ = try store.append(batch, onRejection: .refuseAll)
        } catch {
            throw .append(message: "input series: \(error.description)")
        }
    }

    private func columns(of values: [SequenceValue], _ range: Range<Int>) -> SampleColumns {
        var timestamps: [Int64] = []
        var floats: [Double] = []
        var histograms: [HistogramSample] = []
        for index in range {
            let time = start.milliseconds &+ Int64(index) &* intervalMilliseconds
            switch values[index] {
            case .missing: break
            case .float(let value):
                timestamps.append(time)
                floats.append(value)
            case .histogram(let histogram, _):
                histograms.append(HistogramSample(timestamp: time, histogram: histogram))
            }
        }
        var columns = SampleColumns(timestamps: timestamps, values: floats)
        columns.histograms = histograms
        return columns
    }
}
