import MetricModel
import Storage

/// A choice of labels by name, applied to encoded label sets byte by byte: no strings are made.
struct LabelFilter: Sendable {
    private let names: [[UInt8]]
    private let keepsNamed: Bool

    /// Keeps only the labels named.
    init(keeping names: some Sequence<String>) { self.init(names, keepsNamed: true) }

    /// Keeps all labels but those named.
    init(dropping names: some Sequence<String>) { self.init(names, keepsNamed: false) }

    private init(_ names: some Sequence<String>, keepsNamed: Bool) {
        self.names = Set(names.map { Array($0.utf8) }).sorted { $0.lexicographicallyPrecedes($1) }
        self.keepsNamed = keepsNamed
    }

    /// The choice as stores know it.
    var choice: LabelChoice {
        LabelChoice(names: names.map { String(decoding: $0, as: UTF8.self) }, keepsNamed: keepsNamed)
    }

    /// The choice without name, type and unit.
    var withoutMetadata: LabelFilter {
        let metadata = [LabelName.metricName, LabelName.type, LabelName.unit]
        return keepsNamed
            ? LabelFilter(keeping: choice.names.filter { !metadata.contains($0) })
            : LabelFilter(dropping: choice.names + metadata)
    }

    /// Whether a label is the name, the type or the unit.
    static func isMetadata(_ name: String) -> Bool { metadata.names.contains(Array(name.utf8)) }

    /// What functions and arithmetic take away: the name, the type and the unit.
    static let metadata = LabelFilter(dropping: [LabelName.metricName, LabelName.type, LabelName.unit])
    static let metricName = LabelFilter(dropping: [LabelName.metricName])

    /// The set with the labels of the choice.
    /// - Complexity: O(bytes)
    func apply(_ labels: LabelSet) -> LabelSet {
        if names.isEmpty { return keepsNamed ? .empty : labels }
        let kept = byteCount(of: labels)
        if !keepsNamed, kept == labels.encoded.count { return labels }
        var result: [UInt8] = []
        result.reserveCapacity(kept)
        encode(labels, into: &result)
        return LabelSet(encoded: result)
    }

    /// What the labels of the choice take.
    private func byteCount(of labels: LabelSet) -> Int {
        var count = 0
        forEachKept(in: labels.encoded.span) { count += $0.count }
        return count
    }

    /// Writes the labels of the choice in place of what was in `result`.
    func encode(_ labels: LabelSet, into result: inout [UInt8]) {
        result.removeAll(keepingCapacity: true)
        let bytes = labels.encoded
        forEachKept(in: bytes.span) { result.append(contentsOf: bytes[$0]) }
    }

    /// Calls `body` with the stretches of the labels of the choice, neighbours together.
    @inline(__always)
    private func forEachKept(in bytes: Span<UInt8>, _ body: (Range<Int>) -> Void) {
        var position = 0
        var candidate = 0
        // Where the stretch begins that is not told yet.
        var pending = 0
        while position < bytes.count {
            let start = position
            let name = Self.string(in: bytes, at: &position)
            _ = Self.string(in: bytes, at: &position)
            var order = -1
            while candidate < names.count {
                order = Self.compare(names[candidate], bytes, name)
                if order >= 0 { break }
                candidate += 1
            }
            let isNamed = candidate < names.count && order == 0
            if isNamed == keepsNamed { continue }
            if pending < start { body(pending..<start) }
            pending = position
        }
        if pending < position { body(pending..<position) }
    }

    @inline(__always)
    private static func string(in bytes: Span<UInt8>, at position: inout Int) -> Range<Int> {
        var length = 0
        var shift = 0
        while true {
            let byte = bytes[position]
            position += 1
            length |= Int(byte & 0x7f) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        let start = position
        position += length
        return start..<position
    }

    /// Negative where `name` comes before the range of `bytes`, zero where they are equal.
    @inline(__always)
    private static func compare(_ name: [UInt8], _ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        let shared = min(name.count, range.count)
        var index = 0
        while index < shared {
            let left = name[index]
            let right = bytes[range.lowerBound + index]
            if left != right { return Int(left) - Int(right) }
            index += 1
        }
        return name.count - range.count
    }
}

extension LabelSet {
    /// Without name, type and unit.
    func droppingMetadata() -> LabelSet { LabelFilter.metadata.apply(self) }

    /// A label's bytes as a string, empty where the set does not have it.
    func value(of name: String) -> String { self[name] ?? "" }
}
