/// Makes a `LabelSet` label by label, or from another one with changes.
package struct LabelSetBuilder {
    private var pairs: [(name: String, value: String)] = []

    package init() {}

    /// Starts with the labels of `base`.
    package init(_ base: LabelSet) { pairs = base.pairs }

    /// The value as it stands now, nil where there is none.
    package subscript(_ name: String) -> String? {
        pairs.first { $0.name.isExactly(name) }?.value
    }

    /// The names as they stand now, in no promised order.
    package var names: [String] { pairs.map(\.name) }

    /// Sets a label; an empty value removes it.
    package mutating func set(_ name: String, to value: String) {
        if value.isEmpty { return remove(name) }
        if let index = pairs.firstIndex(where: { $0.name.isExactly(name) }) {
            pairs[index].value = value
        } else {
            pairs.append((name, value))
        }
    }

    /// Removes a label if it is there.
    package mutating func remove(_ name: String) { pairs.removeAll { $0.name.isExactly(name) } }

    /// Keeps only labels for which `isIncluded` is true.
    package mutating func keep(where isIncluded: (_ name: String) -> Bool) {
        pairs.removeAll { !isIncluded($0.name) }
    }

    /// The finished set.
    package func build() -> LabelSet {
        let sorted = pairs.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        var encoded: [UInt8] = []
        encoded.reserveCapacity(sorted.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 })
        for pair in sorted {
            Self.append(pair.name, to: &encoded)
            Self.append(pair.value, to: &encoded)
        }
        return LabelSet(encoded: encoded)
    }

    private static func append(_ text: String, to encoded: inout [UInt8]) {
        var length = text.utf8.count
        while length >= 0x80 {
            encoded.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        encoded.append(UInt8(length))
        encoded.append(contentsOf: text.utf8)
    }
}
