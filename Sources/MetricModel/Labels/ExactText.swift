/// A text that equals another one where their bytes do.
///
/// Names and values are bytes to Prometheus. Swift's `String` is kinder: it holds "é" equal to "e" with an accent behind it, which
/// as a key would make one series, one label or one question of two.
package struct ExactText: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (left: ExactText, right: ExactText) -> Bool { left.text.isExactly(right.text) }

    package func hash(into hasher: inout Hasher) {
        // Of texts that are equal to Swift it is the same, which is seldom enough.
        hasher.combine(text)
    }
}

extension String {
    /// Whether both are the same bytes.
    package func isExactly(_ other: String) -> Bool {
        // The first comparison is quick where texts differ, as most do.
        self == other && utf8.elementsEqual(other.utf8)
    }
}
