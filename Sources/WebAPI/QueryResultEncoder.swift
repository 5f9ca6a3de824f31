import Bytes
import MetricModel
import PromQL
import Synchronization

/// Writes the answer of a query in pieces, so that a large matrix never stands in memory twice.
///
/// Safe on several threads one after the other, as a response body is asked for its pieces.
final class QueryResultEncoder: Sendable {
    /// A piece is sent when it has grown to this.
    static let pieceBytes = 256 << 10

    private struct State {
        var writer = JSONWriter(reservingBytes: 0)
        /// The next series or element to write; nil before the beginning.
        var position: Int?
    }

    private let result: QueryResult
    private let limitWarning: String?
    private let showsStatistics: Bool
    private let state = Mutex(State())

    /// - Parameter limitWarning: a warning more, where the caller cut the result.
    init(_ result: QueryResult, limitWarning: String? = nil, showsStatistics: Bool = false) {
        self.result = result
        self.limitWarning = limitWarning
        self.showsStatistics = showsStatistics
    }

    /// The next piece, until the last.
    func nextPiece() -> APIResponse.Piece {
        state.withLock { state in
            var position = state.position ?? 0
            state.writer.reserve(room(from: position))
            if state.position == nil { begin(&state.writer) }
            while position < elementCount, state.writer.bytes.count < Self.pieceBytes {
                writeElement(position, to: &state.writer)
                position += 1
            }
            state.position = position
            let isLast = position >= elementCount
            if isLast { end(&state.writer) }
            return APIResponse.Piece(bytes: state.writer.takeBytes(), isLast: isLast)
        }
    }

    /// Room for the next piece, whose elements begin at a position: bytes that grow are two pieces for a while.
    ///
    /// The last element begins before the piece is full, and points are written where there is room for twice as many bytes
    /// as they take. Of room that is not used no page is touched.
    private func room(from position: Int) -> Int {
        var bytes = 256
        var position = position
        var last = 0
        while position < elementCount, bytes < Self.pieceBytes {
            last = Self.elementBytes
            if case .matrix(let series) = result.value { last += series[position].values.count * Self.pointBytes }
            bytes += last
            position += 1
        }
        return bytes + 3 * last
    }

    /// About what labels take, and a point with many digits.
    private static let elementBytes = 256
    private static let pointBytes = 36

    private var elementCount: Int {
        switch result.value {
        case .scalar, .string: 0
        case .vector(let elements): elements.count
        case .matrix(let series): series.count
        }
    }

    private func begin(_ writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("status")
        writer.string("success")
        writer.key("data")
        writer.beginObject()
        writer.key("resultType")
        switch result.value {
        case .scalar(let timestamp, let value):
            writer.string("scalar")
            writer.key("result")
            writer.beginArray()
            // Unlike those of samples these times are printed as any number is.
            writer.number(Double(timestamp.milliseconds) / 1000)
            writer.sampleValue(value, style: .plain)
            writer.endArray()
        case .string(let timestamp, let value):
            writer.string("string")
            writer.key("result")
            writer.beginArray()
            writer.number(Double(timestamp.milliseconds) / 1000)
            writer.string(value)
            writer.endArray()
        case .vector:
            writer.string("vector")
            writer.key("result")
            writer.beginArray()
        case .matrix:
            writer.string("matrix")
            writer.key("result")
            writer.beginArray()
        }
    }

    private func end(_ writer: inout JSONWriter) {
        switch result.value {
        case .scalar, .string: break
        case .vector, .matrix: writer.endArray()
        }
        if showsStatistics {
            writer.key("stats")
            writer.statistics(result.statistics)
        }
        if let plan = result.plan {
            writer.key("plan")
            writer.plan(plan)
        }
        writer.endObject()
        writer.annotations(warnings: result.warnings + (limitWarning.map { [$0] } ?? []), infos: result.infos)
        writer.endObject()
    }

    private func writeElement(_ index: Int, to writer: inout JSONWriter) {
        switch result.value {
        case .scalar, .string: return
        case .vector(let elements): writer.vectorElement(elements[index])
        case .matrix(let series): writer.matrixSeries(series[index])
        }
    }
}

extension JSONWriter {
    fileprivate mutating func vectorElement(_ element: VectorElement) {
        beginObject()
        key("metric")
        labels(element.labels)
        key(element.histogram == nil ? "value" : "histogram")
        beginArray()
        timestamp(milliseconds: element.timestamp.milliseconds)
        if let histogram = element.histogram {
            nativeHistogram(histogram)
        } else {
            sampleValue(element.value)
        }
        endArray()
        endObject()
    }

    fileprivate mutating func matrixSeries(_ series: MatrixSeries) {
        beginObject()
        key("metric")
        labels(series.labels)
        if !series.values.isEmpty {
            key("values")
            beginArray()
            points(series.timestamps, series.values)
            endArray()
        }
        if !series.histograms.isEmpty {
            key("histograms")
            array(of: series.histograms) { writer, sample in
                writer.beginArray()
                writer.timestamp(milliseconds: sample.timestamp)
                writer.nativeHistogram(sample.histogram)
                writer.endArray()
            }
        }
        endObject()
    }

    /// The object of `stats`.
    mutating func statistics(_ statistics: QueryStatistics) {
        object { writer in
            writer.key("timings")
            writer.object {
                $0.key("evalTotalTime")
                $0.number(statistics.preparationSeconds + statistics.evaluationSeconds + statistics.sortSeconds)
                $0.key("resultSortTime")
                $0.number(statistics.sortSeconds)
                $0.key("queryPreparationTime")
                $0.number(statistics.preparationSeconds)
                $0.key("innerEvalTime")
                $0.number(statistics.evaluationSeconds)
                $0.key("execQueueTime")
                $0.number(statistics.queueSeconds)
                $0.key("execTotalTime")
                $0.number(
                    statistics.queueSeconds + statistics.preparationSeconds + statistics.evaluationSeconds
                        + statistics.sortSeconds)
            }
            writer.key("samples")
            writer.object {
                if let steps = statistics.steps {
                    $0.counts(steps.queryable, of: steps, named: "totalQueryableSamplesPerStep")
                    $0.counts(steps.read, of: steps, named: "samplesReadPerStep")
                }
                $0.key("totalQueryableSamples")
                $0.integer(statistics.samplesQueryable)
                $0.key("samplesRead")
                $0.integer(statistics.samplesRead)
                $0.key("peakSamples")
                $0.integer(statistics.peakSamples)
            }
        }
    }
    /// `[time, count]` for each step.
    private mutating func counts(_ counts: [Int], of steps: StepCounts, named name: String) {
        key(name)
        array(of: counts.indices) { writer, step in
            writer.beginArray()
            writer.timestamp(milliseconds: steps.time(at: step))
            writer.integer(counts[step])
            writer.endArray()
        }
    }
}
