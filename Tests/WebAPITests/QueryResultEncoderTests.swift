import MetricModel
import PromQL
import Testing

@testable import WebAPI

@Suite("Answers in pieces")
struct QueryResultEncoderTests {
    private func result(series: Int, points: Int) -> QueryResult {
        let timestamps = (0..<points).map { 1_700_000_000_000 + Int64($0) * 30_000 }
        return QueryResult(
            value: .matrix(
                (0..<series).map { number in
                    MatrixSeries(
                        labels: LabelSet(["__name__": "requests", "number": "\(number)"]), timestamps: timestamps,
                        values: (0..<points).map { 1 / Double(3 + number + $0) })
                }))
    }

    @Test(
        "a piece has its room from the beginning, and none is empty",
        arguments: [(1, 1), (1, 100), (40, 721), (3000, 5), (3, 20_000), (400, 60)])
    func room(series: Int, points: Int) {
        let encoder = QueryResultEncoder(result(series: series, points: points))
        var byteCount = 0
        while true {
            let piece = encoder.nextPiece()
            byteCount += piece.bytes.count
            #expect(!piece.bytes.isEmpty)
            if piece.isLast { break }
            // What is one element beyond a whole piece, and what stands ready for one more.
            let element = 256 + 36 * points
            #expect(piece.bytes.count < QueryResultEncoder.pieceBytes + element)
            #expect(piece.bytes.capacity < QueryResultEncoder.pieceBytes + 5 * element)
        }
        #expect(byteCount > series * points * 15)
    }
}
