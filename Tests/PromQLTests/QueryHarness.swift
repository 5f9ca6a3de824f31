import Bytes
import MetricModel
import PromQL
import PromQLSyntax
import Storage
import TestSupport

/// A small database and an engine over it, with answers as lines of text.
struct QueryHarness {
    let store = MemoryStore()
    var settings = EngineSettings()
    var options = QueryOptions()
    var clock: any WallClock = SystemClock()

    /// Loads series in the notation of test scripts, a point each minute from the epoch on.
    init(_ lines: String..., stepMilliseconds: Int64 = 60_000) throws {
        try self.init(lines: lines, stepMilliseconds: stepMilliseconds)
    }

    init(lines: [String], stepMilliseconds: Int64 = 60_000) throws {
        for line in lines {
            let series = try SeriesNotation.parse(line)
            var times: [Int64] = []
            var columns = SampleColumns()
            for (index, value) in series.values.enumerated() {
                switch value {
                case .missing: continue
                case .float(let number):
                    times.append(Int64(index) * stepMilliseconds)
                    columns.values.append(number)
                case .histogram(let histogram, _):
                    columns.histograms.append(
                        HistogramSample(timestamp: Int64(index) * stepMilliseconds, histogram: histogram))
                }
            }
            columns.clock = Clock(times)
            _ = try store.append(
                SampleBatch([.init(labels: series.labels, columns: columns)]), onRejection: .refuseAll)
        }
    }

    /// The answer at a time, one line an element: `labels value`.
    func lines(_ query: String, atMinute minute: Double) throws -> [String] {
        Self.text(try result(query, atMinute: minute).value)
    }

    func result(_ query: String, atMinute minute: Double) throws -> QueryResult {
        var options = options
        options.text = query
        return try QueryEngine(settings: settings, clock: clock).instantQuery(
            try Parser.parse(query), at: Timestamp(seconds: minute * 60), from: try store.querier(), options: options)
    }

    /// The answer minute by minute, one line a series: `labels value value _ value`.
    func lines(_ query: String, minutes: ClosedRange<Int>) throws -> [String] {
        let result = try QueryEngine(settings: settings, clock: clock).rangeQuery(
            try Parser.parse(query), start: Timestamp(seconds: Double(minutes.lowerBound) * 60),
            end: Timestamp(seconds: Double(minutes.upperBound) * 60), stepMilliseconds: 60_000,
            from: try store.querier(), options: options)
        guard case .matrix(let all) = result.value else { return ["not a matrix"] }
        return all.map { series in
            let cells = minutes.map { minute in
                let time = Int64(minute) * 60_000
                return series.timestamps.firstIndex(of: time).map { Self.text(series.values[$0]) }
                    ?? series.histograms.first { $0.timestamp == time }.map { "h\(Self.text($0.histogram.count))" }
                    ?? "_"
            }
            return ([series.labels.description] + cells).joined(separator: " ")
        }
    }

    /// The description of the error that a query gives.
    func failure(_ query: String, atMinute minute: Double = 0) -> String {
        do {
            _ = try result(query, atMinute: minute)
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    static func text(_ value: QueryValue) -> [String] {
        switch value {
        case .scalar(_, let value): ["scalar " + text(value)]
        case .string(_, let value): ["string " + value]
        case .vector(let elements):
            elements.map { element in
                let value = element.histogram.map { "h\(text($0.count))" } ?? text(element.value)
                return element.labels.description + " " + value
            }
        case .matrix(let series):
            series.map { series in
                let points = zip(series.timestamps, series.values).map { "\(text($0.1))@\($0.0)" }
                return ([series.labels.description] + points).joined(separator: " ")
            }
        }
    }

    static func text(_ value: Double) -> String { DecimalFormatting.text(value, style: .plain) }
}
