import Glibc
import TestSupport

/// What long runs of the fuzzer found worth keeping: `Corpora/TARGET.txt`, an input a line in hexadecimal digits.
///
/// `keep-corpus` writes the file from a folder of libFuzzer's; each input reaches code that the others do not.
enum FuzzCorpus {
    private static let folder =
        #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Corpora"

    static func inputs(of target: FuzzTarget) -> [[UInt8]] {
        TemporaryDirectory.read("\(folder)/\(target.rawValue).txt").split(separator: "\n").map { bytes(of: $0) }
    }

    private static func bytes(of digits: Substring) -> [UInt8] {
        var result: [UInt8] = []
        var high: UInt8?
        for digit in digits.utf8 {
            guard let value = value(of: digit) else { continue }
            guard let first = high else {
                high = value
                continue
            }
            result.append(first << 4 | value)
            high = nil
        }
        return result
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
