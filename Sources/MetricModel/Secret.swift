/// A password, token or key from the configuration: it can be used, but not printed.
///
/// Whatever shows it (interpolation, `print`, `dump`, a debugger, the configuration page) shows `<secret>`.
package struct Secret: Hashable, Sendable {
    /// What stands in the place of every secret that is shown.
    package static let placeholder = "<secret>"

    private let value: String

    package init(_ value: String) { self.value = value }

    package var isEmpty: Bool { value.isEmpty }

    /// The secret itself, for the place that sends it and for no other.
    package func reveal() -> String { value }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { Self.placeholder }
    package var debugDescription: String { Self.placeholder }
    package var customMirror: Mirror { Mirror(self, children: [(label: String?, value: Any)]()) }
}
