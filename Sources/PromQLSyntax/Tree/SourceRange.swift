/// A part of a query's text, in bytes: from `start` up to, not including, `end`.
package struct SourceRange: Hashable, Sendable {
    package var start: Int
    package var end: Int

    package init(_ start: Int, _ end: Int) {
        self.start = start
        self.end = end
    }

    /// The smallest range that holds both.
    package func union(_ other: SourceRange) -> SourceRange {
        SourceRange(min(start, other.start), max(end, other.end))
    }

    /// The place of a byte offset as people count: line and column from 1, columns in bytes.
    package static func lineAndColumn(of offset: Int, in text: String) -> (line: Int, column: Int) {
        var line = 1
        var lineStart = 0
        for (index, byte) in text.utf8.enumerated() where byte == UInt8(ascii: "\n") {
            if index >= offset { break }
            line += 1
            lineStart = index + 1
        }
        return (line, offset - lineStart + 1)
    }

    /// The start of the range as the texts of errors and annotations show it: `line:column`.
    package func position(in text: String) -> String {
        let place = Self.lineAndColumn(of: start, in: text)
        return "\(place.line):\(place.column)"
    }
}

/// A value that takes no part in the equality of what holds it.
///
/// Trees are equal when they mean the same, wherever their texts stood.
@propertyWrapper
package struct IgnoredInEquality<Value: Sendable>: Hashable, Sendable {
    package var wrappedValue: Value

    package init(wrappedValue: Value) { self.wrappedValue = wrappedValue }

    package static func == (left: Self, right: Self) -> Bool { true }

    package func hash(into hasher: inout Hasher) {}
}
