/// Reads the files of one process, see proc(5).
enum ProcessText {
    /// When the process started, in ticks since boot.
    static func startTicks(_ bytes: Span<UInt8>) -> UInt64? {
        // The command's name stands in parentheses and may hold parentheses and spaces itself: the last one counts.
        var position = bytes.count - 1
        while position >= 0, bytes[position] != UInt8(ascii: ")") { position -= 1 }
        guard position >= 0 else { return nil }
        position += 1
        for _ in 3..<22 {
            if KernelText.word(bytes, at: &position).isEmpty { return nil }
        }
        KernelText.skipSpaces(bytes, at: &position)
        return KernelText.number(bytes, at: &position)
    }

    /// The letter of the state, the field after the name.
    static func state(_ bytes: Span<UInt8>) -> UInt8? {
        var position = bytes.count - 1
        while position >= 0, bytes[position] != UInt8(ascii: ")") { position -= 1 }
        guard position >= 0 else { return nil }
        position += 1
        let word = KernelText.word(bytes, at: &position)
        return word.count == 1 ? bytes[word.lowerBound] : nil
    }

    /// Whether the line `NSpid:` of `status` says that the process is number 1 in a namespace of its own.
    static func isFirstInNamespace(_ bytes: Span<UInt8>) -> Bool {
        var position = 0
        while position < bytes.count {
            let word = KernelText.word(bytes, at: &position)
            if KernelText.matches(bytes, word, "NSpid:") {
                var count = 0
                var last: UInt64 = 0
                while true {
                    KernelText.skipSpaces(bytes, at: &position)
                    guard let number = KernelText.number(bytes, at: &position) else { break }
                    count += 1
                    last = number
                }
                return count > 1 && last == 1
            }
            KernelText.skipLine(bytes, at: &position)
        }
        return false
    }

    /// The three numbers of `schedstat`.
    static func schedule(_ bytes: Span<UInt8>) -> ProcessAccounts.Schedule? {
        var position = 0
        var numbers: InlineArray<3, UInt64> = .init(repeating: 0)
        for index in numbers.indices {
            KernelText.skipSpaces(bytes, at: &position)
            guard let number = KernelText.number(bytes, at: &position) else { return nil }
            numbers[index] = number
        }
        return ProcessAccounts.Schedule(
            runNanoseconds: numbers[0], waitNanoseconds: numbers[1], slices: numbers[2])
    }

    /// The soft limit in the line `Max open files  1024  4096  files` of `limits`; -1 in two's complement for none.
    static func openFilesLimit(_ bytes: Span<UInt8>) -> UInt64? {
        let heading: StaticString = "Max open files"
        var position = 0
        while position < bytes.count {
            let end = position + heading.utf8CodeUnitCount
            if end < bytes.count, KernelText.matches(bytes, position..<end, heading) {
                position = end
                KernelText.skipSpaces(bytes, at: &position)
                if let number = KernelText.number(bytes, at: &position) { return number }
                let word = KernelText.word(bytes, at: &position)
                return KernelText.matches(bytes, word, "unlimited") ? UInt64(bitPattern: -1) : nil
            }
            KernelText.skipLine(bytes, at: &position)
        }
        return nil
    }

    /// The sum of all lines `Referenced:  12 kB` of `smaps` or `smaps_rollup`.
    static func referencedBytes(_ bytes: Span<UInt8>) -> UInt64 {
        var position = 0
        var sum: UInt64 = 0
        while position < bytes.count {
            let word = KernelText.word(bytes, at: &position)
            if KernelText.matches(bytes, word, "Referenced:") {
                KernelText.skipSpaces(bytes, at: &position)
                sum &+= (KernelText.number(bytes, at: &position) ?? 0) &* 1_024
            }
            KernelText.skipLine(bytes, at: &position)
        }
        return sum
    }
}
