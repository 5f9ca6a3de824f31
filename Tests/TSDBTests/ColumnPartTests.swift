import MetricModel
import Testing

@testable import TSDB

@Suite("Parts of columns")
struct ColumnPartTests {
    @Test(
        "some of a column's values are those that stand there among all, whatever width those before them have",
        arguments: 1...8)
    func partsOfColumns(width: Int) throws {
        var generator = SegmentColumnGenerator(seed: UInt64(width))
        // Differences of all widths whose sums stay small; `IntegerColumn` draws the form.
        let base = Int64(1) << Int64(8 * width - 2)
        for (count, isPatched) in [2, 3, 17, 128, 129, 130, 300].flatMap({ [($0, false), ($0, width < 6)] }) {
            let differences = (1..<count).map { _ in Int64(generator.below(100)) - 50 }
            var bytes = OutputBytes()
            bytes.append(UInt8(1 << 6))
            bytes.append(zigzag: 7)
            bytes.append(zigzag: -base)
            for (index, difference) in differences.enumerated() {
                if index % IntegerColumn.blockCount == 0 {
                    bytes.append(UInt8(width) | (isPatched ? 0x10 : 0))
                    if isPatched { for byte: UInt8 in [1, 0, 1] { bytes.append(byte) } }
                }
                let residual = UInt64(bitPattern: base + difference)
                for place in 0..<width { bytes.append(UInt8(truncatingIfNeeded: residual >> UInt64(8 * place))) }
            }
            // A patch adds to the first number of each block what its bytes have no room for.
            let patch = isPatched ? Int64(1) << Int64(8 * width) : 0
            var sum: Int64 = 7
            var expected = [Double(sum) / 10]
            for (index, difference) in differences.enumerated() {
                sum += difference + (index % IntegerColumn.blockCount == 0 ? patch : 0)
                expected.append(Double(sum) / 10)
            }
            for start in 0..<count {
                for end in Set([start + 1, min(count, start + 20), count]) {
                    let values = Self.decode(bytes, count: count, start..<end)
                    #expect(values == Array(expected[start..<end]), "\(start) to \(end) of \(count)")
                }
            }
        }
    }

    /// Some values of a column with a digit behind the point; nil where the bytes are not of its form.
    private static func decode(_ bytes: borrowing OutputBytes, count: Int, _ wanted: Range<Int>) -> [Double]? {
        var workspace = ValueColumn.Workspace()
        var input = unsafe InputBytes(bytes.bytes)
        var values = [Double](repeating: 0, count: wanted.count)
        let order = unsafe values.withUnsafeMutableBufferPointer { values in
            unsafe values.baseAddress.flatMap { start in
                unsafe ValueColumn.decode(
                    tag: ValueColumn.tag(.decimals, exponent: 1), &input, count: count, wanted, workspace: &workspace,
                    into: start)
            }
        }
        return order != nil && input.isAtEnd ? values : nil
    }
}
