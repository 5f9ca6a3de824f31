import Testing

@testable import Bytes

@Suite("Protobuf wire format")
struct WireTests {
    /// Field, kind and value of each field of a message.
    private static func fields(_ bytes: [UInt8]) -> (fields: [String], fault: WireReader.Fault.Reason?) {
        unsafe bytes.withUnsafeBytes { buffer in
            var reader = unsafe WireReader(buffer)
            var result: [String] = []
            while reader.next() {
                switch reader.kind {
                case .bytes: result.append("\(reader.field): \(reader.content.count) bytes")
                default: result.append("\(reader.field): \(reader.number)")
                }
            }
            return (result, reader.fault?.reason)
        }
    }

    @Test("what the writer writes the reader reads")
    func roundTrip() {
        var writer = WireWriter()
        writer.varint(1, 0)
        writer.varint(2, .max)
        writer.zigzag(3, -3)
        writer.double(4, 1.5)
        writer.string(1000, String(repeating: "x", count: 300))
        writer.message(5) { inner in
            inner.string(1, "inner")
            inner.signed(2, -1)
        }
        let read = Self.fields(writer.bytes)
        #expect(read.fault == nil)
        #expect(
            read.fields == [
                "1: 0", "2: 18446744073709551615", "3: 5", "4: \((1.5).bitPattern)", "1000: 300 bytes",
                "5: 18 bytes",
            ])
    }

    @Test("repeated numbers are read packed and one by one, and no more than the limit")
    func repeated() {
        var writer = WireWriter()
        writer.packed(1, varints: [1, 300, 2])
        writer.varint(1, 4)
        writer.packed(2, doubles: [0.5, 2])
        let numbers = unsafe writer.bytes.withUnsafeBytes { buffer in
            var reader = unsafe WireReader(buffer)
            var varints: [UInt64] = []
            var doubles: [UInt64] = []
            while reader.next() {
                if reader.field == 1 { _ = reader.appendNumbers(to: &varints) }
                if reader.field == 2 { _ = reader.appendNumbers(fixedWidth: true, to: &doubles) }
            }
            return (varints, doubles.map { Double(bitPattern: $0) }, reader.fault)
        }
        #expect(numbers.0 == [1, 300, 2, 4] && numbers.1 == [0.5, 2] && numbers.2 == nil)
        let limited = unsafe writer.bytes.withUnsafeBytes { buffer in
            var reader = unsafe WireReader(buffer)
            var varints: [UInt64] = []
            while reader.next() { _ = reader.appendNumbers(limit: 2, to: &varints) }
            return (varints.count, reader.fault?.reason)
        }
        #expect(limited.0 == 2 && limited.1 == .length)
    }

    @Test(
        "damage has a reason and a place",
        arguments: [
            ([0x08], WireReader.Fault.Reason.truncated), ([0x80], .truncated), ([0x09, 1, 2, 3], .truncated),
            ([0x0a, 5, 1], .length), ([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], .length),
            ([0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], .number), ([0x00, 1], .tag),
            ([0x0b], .tag), ([0x0f, 1], .tag),
        ] as [([UInt8], WireReader.Fault.Reason)])
    func damage(bytes: [UInt8], reason: WireReader.Fault.Reason) {
        #expect(Self.fields(bytes).fault == reason)
    }

    @Test("random bytes never trap")
    func random() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = Self.fields(bytes)
        }
    }
}
