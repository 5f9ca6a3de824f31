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
        let encoded = Set(names).map { Array($0.utf8) }
        self.names = encoded.sorted { $0.lexicographicallyPrecedes($1) }
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

    /// What functions and arithmetic take away: the name, the type and the unit.
    static let metadata = LabelFilter(dropping: [LabelName.metricName, LabelName.type, LabelName.unit])
    static let metricName = LabelFilter(dropping: [LabelName.metricName])

    /// The set with the labels of the choice.
    /// - Complexity: O(bytes)
    func apply(_ labels: LabelSet) -> LabelSet {
        if names.isEmpty { return keepsNamed ? .empty : labels }
        let bytes = labels.encoded
        var result: [UInt8] = []
        var dropsAny = false
        var position = 0
        var candidate = 0
        while position < bytes.count {
            let start = position
            let name = Self.string(in: bytes, at: &position)
            let value = Self.string(in: bytes, at: &position)
            _ = value
            while candidate < names.count, Self.compare(names[candidate], bytes, name) < 0 { candidate += 1 }
            let isNamed = candidate < names.count && Self.compare(names[candidate], bytes, name) == 0
            if isNamed == keepsNamed {
                if dropsAny || keepsNamed { result.append(contentsOf: bytes[start..<position]) }
            } else if !dropsAny && !keepsNamed {
                dropsAny = true
                result.reserveCapacity(bytes.count)
                result.append(contentsOf: bytes[0..<start])
            }
        }
        if !keepsNamed && !dropsAny { return labels }
        return LabelSet(encoded: result)
    }

    /// Writes the labels of the choice in place of what was in `result`.
    func encode(_ labels: LabelSet, into result: inout [UInt8]) {
        result.removeAll(keepingCapacity: true)
        let bytes = labels.encoded
        var position = 0
        var candidate = 0
        while position < bytes.count {
            let start = position
            let name = Self.string(in: bytes, at: &position)
            _ = Self.string(in: bytes, at: &position)
            while candidate < names.count, Self.compare(names[candidate], bytes, name) < 0 { candidate += 1 }
            let isNamed = candidate < names.count && Self.compare(names[candidate], bytes, name) == 0
            if isNamed == keepsNamed { result.append(contentsOf: bytes[start..<position]) }
        }
    }

    @inline(__always)
    private static func string(in bytes: [UInt8], at position: inout Int) -> Range<Int> {
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
    private static func compare(_ name: [UInt8], _ bytes: [UInt8], _ range: Range<Int>) -> Int {
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
