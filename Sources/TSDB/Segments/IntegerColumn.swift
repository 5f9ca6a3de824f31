/// A run of 64-bit integers as differences, packed into whole bytes.
///
///     byte      order << 6 | shift          order 0: values, 1: differences, 2: differences of differences
///     zigzag    first value                 order 1 and 2
///     zigzag    first difference            order 2
///     zigzag    least                       the smallest of what follows
///     blocks of 128 numbers (value - least) >> shift, each:
///       byte    width | 0x10 if there are patches     0 ... 8 bytes a number
///       byte    patch count                           only with patches
///       patch   byte position, varint (number >> 8 * width)
///       data    width * count bytes, little endian
///
/// The count stands outside. All arithmetic wraps around, so every sequence of 64 bits comes back as it was, bit
/// patterns of floating-point numbers included. Whole bytes because zstd comes after: bits would hide repetition.
enum IntegerColumn {
    static let blockCount = 128
    private static let patchMark: UInt8 = 0x10

    /// The most bytes that `count` integers can take.
    static func maximumByteCount(_ count: Int) -> Int { 32 + count * 9 + (count / blockCount + 1) * 2 + count * 11 }

    /// What an order costs and needs.
    private struct Plan {
        var order = 0
        var least: Int64 = 0
        var shift = 0
        var cost = Int.max
    }

    // MARK: Encoding

    /// Appends the integers.
    ///
    /// `residuals` is scratch for as many numbers.
    static func encode(
        _ values: UnsafePointer<Int64>, count: Int, residuals: UnsafeMutablePointer<UInt64>,
        into output: inout OutputBytes
    ) {
        guard count > 0 else { return }
        let plan = unsafe choosePlan(values, count: count)
        output.append(UInt8(plan.order << 6 | plan.shift))
        if plan.order > 0 { output.append(zigzag: unsafe values[0]) }
        if plan.order > 1 { output.append(zigzag: unsafe values[1] &- values[0]) }
        output.append(zigzag: plan.least)
        let residualCount = count - plan.order
        let shift = UInt64(plan.shift)
        switch plan.order {
        case 0:
            for index in 0..<residualCount {
                unsafe residuals[index] = UInt64(bitPattern: values[index] &- plan.least) &>> shift
            }
        case 1:
            for index in 0..<residualCount {
                let difference = unsafe values[index &+ 1] &- values[index]
                unsafe residuals[index] = UInt64(bitPattern: difference &- plan.least) &>> shift
            }
        default:
            for index in 0..<residualCount {
                let second = unsafe values[index &+ 2] &- 2 &* values[index &+ 1] &+ values[index]
                unsafe residuals[index] = UInt64(bitPattern: second &- plan.least) &>> shift
            }
        }
        output.reserve(maximumByteCount(count))
        for start in stride(from: 0, to: residualCount, by: blockCount) {
            unsafe packBlock(residuals + start, count: min(blockCount, residualCount - start), into: &output)
        }
    }

    private static func choosePlan(_ values: UnsafePointer<Int64>, count: Int) -> Plan {
        var best = Plan()
        for order in 0...min(2, count - 1) {
            let plan = unsafe plan(order: order, values, count: count)
            if plan.cost < best.cost { best = plan }
            // Nothing left to pack: a higher order only adds to the head.
            if plan.cost <= 2 { break }
        }
        return best
    }

    /// Looks twice over the numbers of an order: for the least, then for how wide the rest is.
    private static func plan(order: Int, _ values: UnsafePointer<Int64>, count: Int) -> Plan {
        var least = Int64.max
        var greatest = Int64.min
        let first = order
        @inline(__always) func number(_ index: Int) -> Int64 {
            switch order {
            case 0: unsafe values[index]
            case 1: unsafe values[index] &- values[index &- 1]
            default: unsafe values[index] &- 2 &* values[index &- 1] &+ values[index &- 2]
            }
        }
        for index in first..<count {
            let value = number(index)
            least = min(least, value)
            greatest = max(greatest, value)
        }
        let headCost = order * 2
        if least == greatest { return Plan(order: order, least: least, shift: 0, cost: headCost) }
        var union: UInt64 = 0
        // How many numbers need so many bytes.
        var classes = InlineArray<9, Int>(repeating: 0)
        for index in first..<count {
            let value = UInt64(bitPattern: number(index) &- least)
            union |= value
            let byteCount = (71 &- value.leadingZeroBitCount) &>> 3
            classes[byteCount] &+= 1
        }
        let shift = union.trailingZeroBitCount
        if shift > 0 {
            classes = InlineArray(repeating: 0)
            for index in first..<count {
                let value = UInt64(bitPattern: number(index) &- least) &>> UInt64(shift)
                classes[(71 &- value.leadingZeroBitCount) &>> 3] &+= 1
            }
        }
        return Plan(
            order: order, least: least, shift: shift, cost: headCost + bestWidth(classes, count: count - first).cost)
    }

    /// The width at which data and patches together take the fewest bytes.
    private static func bestWidth(_ classes: borrowing InlineArray<9, Int>, count: Int) -> (width: Int, cost: Int) {
        var best = (width: 8, cost: 8 * count)
        var patches = 0
        var patchBytes = 0
        for width in stride(from: 7, through: 0, by: -1) {
            patches += classes[width + 1]
            // Each of them grows by a byte; those that become patches bring their position.
            patchBytes += patches + classes[width + 1]
            let cost = width * count + patchBytes + (patches > 0 ? 1 : 0)
            if cost < best.cost, patches < 256 { best = (width, cost) }
        }
        return best
    }

    private static func packBlock(_ numbers: UnsafePointer<UInt64>, count: Int, into output: inout OutputBytes) {
        var classes = InlineArray<9, Int>(repeating: 0)
        for index in 0..<count {
            let value = unsafe numbers[index]
            classes[(71 &- value.leadingZeroBitCount) &>> 3] &+= 1
        }
        let width = bestWidth(classes, count: count).width
        var patches = 0
        for bytes in (width + 1)..<9 { patches += classes[bytes] }
        output.append(UInt8(width) | (patches > 0 ? patchMark : 0))
        if patches > 0 {
            output.append(UInt8(patches))
            for index in 0..<count {
                let high = unsafe numbers[index] >> UInt64(8 * width)
                if high != 0 {
                    output.append(UInt8(index))
                    output.append(varint: high)
                }
            }
        }
        output.reserve(count * 8)
        unsafe storeNumbers(numbers, count: count, width: width, at: output.end)
        output.advance(by: width * count)
    }

    private static func storeNumbers(
        _ numbers: UnsafePointer<UInt64>, count: Int, width: Int, at target: UnsafeMutableRawPointer
    ) {
        switch width {
        case 0: break
        case 1:
            for index in 0..<count {
                unsafe target.storeBytes(
                    of: UInt8(truncatingIfNeeded: numbers[index]), toByteOffset: index, as: UInt8.self)
            }
        default:
            // Each store runs up to eight bytes into the slack or the place of the next number, written after it.
            for index in 0..<count {
                unsafe target.storeBytes(
                    of: numbers[index].littleEndian, toByteOffset: index &* width, as: UInt64.self)
            }
        }
    }

    // MARK: Decoding

    /// Reads `count` integers into `target`; false where the bytes are damaged, and `target` holds anything then.
    static func decode(_ input: inout InputBytes, count: Int, into target: UnsafeMutablePointer<Int64>) -> Bool {
        guard count > 0 else { return true }
        let head = input.byte()
        let order = Int(head >> 6)
        let shift = UInt64(head & 63)
        guard order <= 2, order < count else { return false }
        let first = order > 0 ? input.zigzag() : 0
        let firstDifference = order > 1 ? input.zigzag() : 0
        let least = input.zigzag()
        for start in stride(from: order, to: count, by: blockCount) {
            guard unsafe unpackBlock(&input, count: min(blockCount, count - start), into: target + start) else {
                return false
            }
        }
        guard !input.isDamaged else { return false }
        switch order {
        case 0:
            for index in 0..<count { unsafe target[index] = least &+ (target[index] &<< Int64(shift)) }
        case 1:
            unsafe target[0] = first
            var value = first
            for index in 1..<count {
                value = unsafe value &+ least &+ (target[index] &<< Int64(shift))
                unsafe target[index] = value
            }
        default:
            unsafe target[0] = first
            var difference = firstDifference
            var value = first &+ difference
            unsafe target[1] = value
            for index in 2..<count {
                difference = unsafe difference &+ least &+ (target[index] &<< Int64(shift))
                value = value &+ difference
                unsafe target[index] = value
            }
        }
        return true
    }

    private static func unpackBlock(
        _ input: inout InputBytes, count: Int, into target: UnsafeMutablePointer<Int64>
    ) -> Bool {
        let head = input.byte()
        let width = Int(head & 0x0f)
        guard width <= 8, head & ~(patchMark | 0x0f) == 0 else { return false }
        // Patches come before the data: they are remembered by their place and read again.
        var patches = input
        let patchCount = head & patchMark != 0 ? Int(input.byte()) : 0
        for _ in 0..<patchCount {
            _ = input.byte()
            _ = input.varint()
        }
        let data = unsafe input.take(width * count)
        guard !input.isDamaged else { return false }
        unsafe loadNumbers(data, count: count, width: width, into: target)
        if patchCount > 0 {
            _ = patches.byte()
            for _ in 0..<patchCount {
                let position = Int(patches.byte())
                let high = patches.varint()
                guard position < count else { return false }
                unsafe target[position] |= Int64(bitPattern: high << UInt64(8 * width))
            }
        }
        return true
    }

    private static func loadNumbers(
        _ data: UnsafeRawBufferPointer, count: Int, width: Int, into target: UnsafeMutablePointer<Int64>
    ) {
        switch width {
        case 0:
            unsafe target.update(repeating: 0, count: count)
        case 1:
            for index in 0..<count { unsafe target[index] = Int64(data[index]) }
        case 2:
            for index in 0..<count {
                let number = unsafe data.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)
                unsafe target[index] = Int64(UInt16(littleEndian: number))
            }
        case 4:
            for index in 0..<count {
                let number = unsafe data.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self)
                unsafe target[index] = Int64(UInt32(littleEndian: number))
            }
        case 8:
            for index in 0..<count {
                let number = unsafe data.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self)
                unsafe target[index] = Int64(bitPattern: UInt64(littleEndian: number))
            }
        default:
            let mask = (UInt64(1) << UInt64(8 * width)) &- 1
            for index in 0..<count {
                let number = unsafe InputBytes.wideLoad(data, at: index &* width) & mask
                unsafe target[index] = Int64(bitPattern: number)
            }
        }
    }
}
