internal import MetricModel

/// Labels on their way from a line to a `LabelSet`: one run of bytes and where the names and values lie in it.
///
/// Kept and emptied from line to line, so that a new series costs the allocation of its set and nothing else.
struct LabelScratch {
    struct Label {
        var name: Range<Int>
        var value: Range<Int>
    }

    private(set) var bytes: [UInt8] = []
    private(set) var labels: [Label] = []

    var count: Int { labels.count }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        labels.removeAll(keepingCapacity: true)
    }

    /// Appends a label whose name and value the closures append.
    mutating func append(name appendName: (inout [UInt8]) -> Void, value appendValue: (inout [UInt8]) -> Void) {
        let nameStart = bytes.count
        appendName(&bytes)
        let valueStart = bytes.count
        appendValue(&bytes)
        labels.append(Label(name: nameStart..<valueStart, value: valueStart..<bytes.count))
    }

    /// Puts other bytes in place of the last label's value.
    mutating func replaceLastValue(_ appendValue: (inout [UInt8]) -> Void) {
        guard let last = labels.indices.last else { return }
        bytes.removeSubrange(labels[last].value.lowerBound...)
        appendValue(&bytes)
        labels[last].value = labels[last].value.lowerBound..<bytes.count
    }

    /// Whether the last label has this name.
    func lastName(is name: StaticString) -> Bool {
        guard let last = labels.last, last.name.count == name.utf8CodeUnitCount else { return false }
        return name.withUTF8Buffer { unsafe bytes[last.name].elementsEqual($0) }
    }

    /// The value of the last label.
    var lastValue: ArraySlice<UInt8> { bytes[labels.last?.value ?? 0..<0] }

    /// Sorts the labels by name; the name of a label that is there twice, nil where all is well.
    mutating func sort() -> String? {
        let bytes = bytes
        labels.sort { bytes[$0.name].lexicographicallyPrecedes(bytes[$1.name]) }
        for (label, next) in zip(labels, labels.dropFirst()) where bytes[label.name] == bytes[next.name] {
            return String(decoding: bytes[label.name], as: UTF8.self)
        }
        return nil
    }

    /// The names of the labels with empty values.
    var emptyNames: [String] {
        labels.filter(\.value.isEmpty).map { String(decoding: bytes[$0.name], as: UTF8.self) }
    }

    /// The set of the labels, which must be sorted; labels with empty values are left out.
    func makeSet() -> LabelSet {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(bytes.count + labels.count * 2)
        for label in labels where !label.value.isEmpty {
            Self.append(bytes[label.name], to: &encoded)
            Self.append(bytes[label.value], to: &encoded)
        }
        return LabelSet(encoded: encoded)
    }

    private static func append(_ text: ArraySlice<UInt8>, to encoded: inout [UInt8]) {
        var length = text.count
        while length >= 0x80 {
            encoded.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        encoded.append(UInt8(length))
        encoded.append(contentsOf: text)
    }
}
