import Exposition
import MetricModel
import Storage
import Synchronization

/// A page of newest samples, written in pieces.
///
/// Safe on several threads one after the other, as a response body is asked for its pieces.
final class FederationPage: Sendable {
    struct Line {
        var name: String
        var labels: LabelSet
        var timestamp: Int64
        var value: Double
    }

    private struct State {
        var position = 0
        var lastName: String?
    }

    private let lines: [Line]
    private let external: [(name: String, value: String)]
    private let held: HeldMemory
    private let state = Mutex(State())

    /// - Parameters:
    ///   - lines: In the order of the page.
    ///   - held: What was counted for them; given back with the page.
    init(_ lines: [Line], external: LabelSet, _ held: consuming HeldMemory) {
        self.lines = lines
        self.external = external.pairs
        self.held = held
    }

    /// The next piece, until the last.
    func nextPiece() -> APIResponse.Piece {
        state.withLock { state in
            let writer = TextWriter(format: .text)
            var bytes: [UInt8] = []
            while state.position < lines.count, bytes.count < QueryResultEncoder.pieceBytes {
                let line = lines[state.position]
                state.position += 1
                if state.lastName?.isExactly(line.name) != true {
                    let shown = LabelName.isLegacyMetricName(line.name) ? line.name : LabelName.quoted(line.name)
                    bytes.append(contentsOf: "# TYPE \(shown) untyped\n".utf8)
                    state.lastName = line.name
                }
                append(line, writer, to: &bytes)
            }
            return APIResponse.Piece(bytes: bytes, isLast: state.position == lines.count)
        }
    }

    private func append(_ line: Line, _ writer: TextWriter, to bytes: inout [UInt8]) {
        var pairs = line.labels.pairs.filter { $0.name != LabelName.metricName }
        for pair in external where !pairs.contains(where: { $0.name.isExactly(pair.name) }) { pairs.append(pair) }
        // A series without this label must not get one from the target that scrapes this page.
        if !pairs.contains(where: { $0.name == "instance" }) { pairs.append((name: "instance", value: "")) }
        pairs.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        writer.append(
            series: TextWriter.renderSeries(
                name: line.name, labels: pairs.map { MetricFamily.Label($0.name, $0.value) }),
            value: line.value, timestampMilliseconds: line.timestamp, to: &bytes)
    }
}
