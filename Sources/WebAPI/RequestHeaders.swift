/// The header fields of a request, as they came: few, and asked for by name once or twice.
package struct RequestHeaders: Sendable, ExpressibleByDictionaryLiteral {
    private var fields: [(name: String, value: String)]

    package init(_ fields: [(name: String, value: String)] = []) { self.fields = fields }

    package init(dictionaryLiteral elements: (String, String)...) { fields = elements.map { ($0.0, $0.1) } }

    /// The value of a field, the last where it came several times; `name` is in lower case.
    package subscript(_ name: StaticString) -> String? {
        let field = fields.last { Self.isEqual($0.name, name) }
        return field?.value
    }

    private static func isEqual(_ name: String, _ wanted: StaticString) -> Bool {
        let count = wanted.utf8CodeUnitCount
        guard name.utf8.count == count else { return false }
        return wanted.withUTF8Buffer { wanted in
            // Letters of the one case differ from those of the other in one bit.
            var index = 0
            for byte in name.utf8 {
                let lower = byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
                if unsafe lower != wanted[index] { return false }
                index += 1
            }
            return true
        }
    }
}
