/// Writes protobuf messages field by field; the counterpart of `WireReader`.
package struct WireWriter: Sendable {
    package var bytes: [UInt8] = []

    package init() {}

    private mutating func tag(_ field: Int, _ kind: WireReader.Kind) {
        VarInt.append(UInt64(field) << 3 | UInt64(kind.rawValue), to: &bytes)
    }

    /// An unsigned number, or an enumeration's; zero is written too.
    package mutating func varint(_ field: Int, _ value: UInt64) {
        tag(field, .varint)
        VarInt.append(value, to: &bytes)
    }

    /// A signed number in two's complement (int32, int64).
    package mutating func signed(_ field: Int, _ value: Int64) { varint(field, UInt64(bitPattern: value)) }

    /// A signed number in zigzag order (sint32, sint64).
    package mutating func zigzag(_ field: Int, _ value: Int64) { varint(field, VarInt.zigzag(value)) }

    package mutating func double(_ field: Int, _ value: Double) {
        tag(field, .fixed64)
        appendFixed(value.bitPattern)
    }

    package mutating func string(_ field: Int, _ value: String) { content(field, value.utf8) }

    package mutating func content(_ field: Int, _ value: some Collection<UInt8>) {
        tag(field, .bytes)
        VarInt.append(UInt64(value.count), to: &bytes)
        bytes.append(contentsOf: value)
    }

    /// A message inside; its length is put in front once it is known.
    package mutating func message(_ field: Int, _ body: (inout WireWriter) -> Void) {
        tag(field, .bytes)
        let start = bytes.count
        body(&self)
        var length: [UInt8] = []
        VarInt.append(UInt64(bytes.count - start), to: &length)
        bytes.insert(contentsOf: length, at: start)
    }

    /// Doubles one behind the other in one field.
    package mutating func packed(_ field: Int, doubles: some Collection<Double>) {
        guard !doubles.isEmpty else { return }
        tag(field, .bytes)
        VarInt.append(UInt64(doubles.count * 8), to: &bytes)
        for value in doubles { appendFixed(value.bitPattern) }
    }

    /// Numbers one behind the other in one field.
    package mutating func packed(_ field: Int, varints: some Collection<UInt64>) {
        guard !varints.isEmpty else { return }
        message(field) { inner in for value in varints { VarInt.append(value, to: &inner.bytes) } }
    }

    private mutating func appendFixed(_ bits: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift))) }
    }
}
