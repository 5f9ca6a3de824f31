import Bytes
import Glibc

/// The labels of one series: names and values, sorted by name, no name twice, no empty value.
///
/// One contiguous run of bytes, compared and hashed as bytes. The layout, for each label in order of name:
///
///     +---------------+------------+----------------+-------------+
///     | LEB128 length | name bytes | LEB128 length  | value bytes |
///     +---------------+------------+----------------+-------------+
///
/// Strings are UTF-8 in memory that the set owns; taking one out makes a `String`, so hot paths compare bytes.
package struct LabelSet: Sendable {
    /// The bytes drawn above.
    package let encoded: [UInt8]
    /// `ByteHash` of `encoded`.
    package let byteHash: UInt64

    /// The set without labels.
    package static let empty = LabelSet(encoded: [])

    /// Takes bytes that already are in the layout, sorted and free of duplicates.
    package init(encoded: [UInt8]) {
        self.encoded = encoded
        self.byteHash = ByteHash.hash(encoded)
    }

    /// Sorts the pairs; of two with one name the later wins; pairs with an empty value are left out.
    package init(_ pairs: some Sequence<(name: String, value: String)>) {
        var builder = LabelSetBuilder()
        for pair in pairs { builder.set(pair.name, to: pair.value) }
        self = builder.build()
    }

    /// Labels from a literal, for tests and fixed sets: `LabelSet(["job": "node"])`.
    package init(_ pairs: KeyValuePairs<String, String>) {
        self.init(pairs.lazy.map { (name: $0.key, value: $0.value) })
    }

    package var isEmpty: Bool { encoded.isEmpty }

    /// The number of labels.
    /// - Complexity: O(bytes)
    package var count: Int {
        var count = 0
        var cursor = Cursor(encoded)
        while cursor.next() { count += 1 }
        return count
    }

    /// The value of a label, nil where the set does not have it.
    /// - Complexity: O(bytes), one String made when it is found.
    package subscript(_ name: String) -> String? {
        var cursor = Cursor(encoded)
        let wanted = Array(name.utf8)
        while cursor.next() {
            if cursor.name.elementsEqual(wanted) { return String(decoding: cursor.value, as: UTF8.self) }
        }
        return nil
    }

    /// The metric's name, empty where there is none.
    package var metricName: String { self[LabelName.metricName] ?? "" }

    /// All labels in order, as strings.
    package var pairs: [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        var cursor = Cursor(encoded)
        while cursor.next() {
            result.append((String(decoding: cursor.name, as: UTF8.self), String(decoding: cursor.value, as: UTF8.self)))
        }
        return result
    }

    /// Walks the labels as byte slices: `while cursor.next() { cursor.name … cursor.value }`.
    package func makeCursor() -> Cursor { Cursor(encoded) }

    /// A walk over encoded labels; before the first `next()` there is no label.
    package struct Cursor {
        private let encoded: [UInt8]
        private var position = 0
        private(set) package var nameRange = 0..<0
        private(set) package var valueRange = 0..<0

        init(_ encoded: [UInt8]) { self.encoded = encoded }

        package var name: ArraySlice<UInt8> { encoded[nameRange] }
        package var value: ArraySlice<UInt8> { encoded[valueRange] }

        /// The bytes of the label that the walk stands on, lengths included.
        package var pair: ArraySlice<UInt8> { encoded[start..<position] }
        private var start = 0

        /// Moves to the next label; false at the end.
        package mutating func next() -> Bool {
            guard position < encoded.count else { return false }
            start = position
            nameRange = readString()
            valueRange = readString()
            return true
        }

        private mutating func readString() -> Range<Int> {
            var length = 0
            var shift = 0
            while true {
                let byte = encoded[position]
                position += 1
                length |= Int(byte & 0x7f) << shift
                if byte < 0x80 { break }
                shift += 7
            }
            defer { position += length }
            return position..<position + length
        }
    }
}

extension LabelSet: Hashable {
    package static func == (left: LabelSet, right: LabelSet) -> Bool {
        left.byteHash == right.byteHash && left.hasEncoding(right.encoded)
    }

    /// Whether these are the bytes of the set.
    package func hasEncoding(_ bytes: [UInt8]) -> Bool {
        guard encoded.count == bytes.count else { return false }
        return unsafe encoded.withUnsafeBytes { own in
            unsafe bytes.withUnsafeBytes { other in
                guard let left = own.baseAddress, let right = other.baseAddress else { return true }
                // An array's own comparison goes byte by byte.
                return unsafe memcmp(left, right, own.count) == 0
            }
        }
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(byteHash) }
}

extension LabelSet: Comparable {
    /// Prometheus' order of label sets: pair by pair, name before value, as bytes; the shorter set first.
    package static func < (left: LabelSet, right: LabelSet) -> Bool {
        unsafe left.encoded.withUnsafeBufferPointer { leftBytes in
            unsafe right.encoded.withUnsafeBufferPointer { rightBytes in unsafe precedes(leftBytes, rightBytes) }
        }
    }

    private static func precedes(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        let sameBytes = unsafe sharedPrefix(left, right)
        // The shorter set first, where it is the other one's beginning.
        guard sameBytes < min(left.count, right.count) else { return left.count < right.count }
        // Names and values are texts, each a length and that many bytes: the one that has the first difference decides.
        var position = 0
        while position <= sameBytes {
            var end = position
            let leftText = unsafe text(left, &end)
            if end <= sameBytes {
                position = end
                continue
            }
            let rightText = unsafe text(right, &position)
            if let leftStart = leftText.baseAddress, let rightStart = rightText.baseAddress {
                let order = unsafe memcmp(leftStart, rightStart, min(leftText.count, rightText.count))
                if order != 0 { return order < 0 }
            }
            return leftText.count < rightText.count
        }
        return false
    }

    /// How many bytes both begin with.
    @inline(__always)
    private static func sharedPrefix(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Int {
        let count = min(left.count, right.count)
        let leftBytes = UnsafeRawBufferPointer(left)
        let rightBytes = UnsafeRawBufferPointer(right)
        var position = 0
        while position + 8 <= count {
            let leftWord = unsafe leftBytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let rightWord = unsafe rightBytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let difference = UInt64(littleEndian: leftWord ^ rightWord)
            if difference != 0 { return position + difference.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < count, unsafe left[position] == right[position] { position += 1 }
        return position
    }

    @inline(__always)
    private static func text(
        _ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int
    ) -> UnsafeBufferPointer<UInt8> {
        var length = 0
        var shift = 0
        while position < bytes.count {
            let byte = unsafe bytes[position]
            position += 1
            length |= Int(byte & 0x7f) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        let start = position
        position = min(start + length, bytes.count)
        return unsafe UnsafeBufferPointer(rebasing: bytes[start..<position])
    }
}

extension LabelSet: CustomStringConvertible {
    /// The form people write: `name{label="value", …}`, values escaped as in the exposition format.
    package var description: String {
        var name = ""
        var rest: [String] = []
        for pair in pairs {
            if pair.name == LabelName.metricName, LabelName.isLegacyMetricName(pair.value) {
                name = pair.value
            } else if pair.name == LabelName.metricName {
                rest.insert(LabelName.quoted(pair.value), at: 0)
            } else {
                let shown = LabelName.isLegacyLabelName(pair.name) ? pair.name : LabelName.quoted(pair.name)
                rest.append(shown + "=" + LabelName.quoted(pair.value))
            }
        }
        if rest.isEmpty { return name.isEmpty ? "{}" : name }
        return name + "{" + rest.joined(separator: ", ") + "}"
    }
}
