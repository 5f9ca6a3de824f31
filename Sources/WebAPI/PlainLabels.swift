/// Writes the labels of a series as a JSON object, a word at a time, where nothing in them has to be escaped: in nearly all.
@safe enum PlainLabels {
    /// What a set of so many bytes needs at most: of each label six bytes of JSON stand for the lengths, two bytes at least;
    /// whole words are written.
    static func room(forBytes count: Int) -> Int { count * 3 + 16 }

    /// Writes a set, in the layout of `LabelSet.encoded`, at `start`, where there is room; answers its end.
    ///
    /// - Returns: nil for sets that take more care; what was written then means nothing.
    static func write(
        _ encoded: UnsafeRawBufferPointer, at start: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer? {
        // The last word can then be read everywhere.
        guard encoded.count >= 8 else { return nil }
        var reader = unsafe Reader(encoded: encoded)
        var cursor = unsafe start
        while reader.position < encoded.count {
            // `,"` between two labels, `{"` before the first, `":"` between name and value.
            unsafe cursor.storeBytes(of: reader.position == 0 ? 0x227b : 0x222c, as: UInt16.self)
            guard let name = unsafe reader.copyString(to: cursor + 2) else { return nil }
            unsafe name.storeBytes(of: 0x22_3a22, as: UInt32.self)
            guard let value = unsafe reader.copyString(to: name + 3) else { return nil }
            unsafe value.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
            unsafe cursor = value + 1
        }
        unsafe cursor.storeBytes(of: UInt8(ascii: "}"), as: UInt8.self)
        return unsafe cursor + 1
    }

    @safe private struct Reader {
        let encoded: UnsafeRawBufferPointer
        var position = 0

        /// Copies the string that is next; nil where it is long or has to be escaped.
        @inline(__always)
        mutating func copyString(to start: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
            let length = unsafe Int(encoded[position])
            position += 1
            // A length that takes more than a byte.
            guard length < 0x80, unsafe position + length <= encoded.count else { return nil }
            var copied = 0
            while copied < length {
                let rest = length &- copied
                var word = word(at: position &+ copied)
                // Spaces stand for what belongs to the string no more.
                if rest < 8 { word = word & ~(~0 &<< UInt64(rest &* 8)) | 0x2020_2020_2020_2020 &<< UInt64(rest &* 8) }
                if JSONEscapes.areNeeded(in: word) { return nil }
                unsafe start.storeBytes(of: word.littleEndian, toByteOffset: copied, as: UInt64.self)
                copied &+= 8
            }
            position += length
            return unsafe start + length
        }

        /// The eight bytes from a place on; behind the last byte there are zeros.
        @inline(__always)
        private func word(at place: Int) -> UInt64 {
            let last = unsafe encoded.count &- 8
            if place <= last {
                return unsafe UInt64(littleEndian: encoded.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            }
            let word = unsafe UInt64(littleEndian: encoded.loadUnaligned(fromByteOffset: last, as: UInt64.self))
            return word &>> UInt64((place &- last) &* 8)
        }
    }
}

/// What JSON does not take as it is.
enum JSONEscapes {
    /// Whether a byte has to be escaped; of markup it is in Go's way, so that no browser takes an answer for a page.
    @inline(__always)
    static func isNeeded(for byte: UInt8, escapingMarkup: Bool) -> Bool {
        if byte >= 0x40 { return byte == UInt8(ascii: "\\") }
        // A bit for each of the 64 bytes in front of `@`.
        let always: UInt64 = 1 << 0x22 | 0xffff_ffff
        let markup: UInt64 = 1 << 0x3c | 1 << 0x3e | 1 << 0x26
        return (escapingMarkup ? always | markup : always) &>> UInt64(byte) & 1 != 0
    }

    /// Whether one of eight bytes has to be escaped: a control character, a quote, a backslash.
    ///
    /// Sometimes it is said of a word where it is not so, never the other way.
    @inline(__always)
    static func areNeeded(in word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        // A byte from which something larger is taken has its highest bit set.
        let quotes = (word ^ ones &* 0x22) &- ones
        let backslashes = (word ^ ones &* 0x5c) &- ones
        let controls = word &- ones &* 0x20
        return (quotes | backslashes | controls) & ~word & (ones &* 0x80) != 0
    }
}
