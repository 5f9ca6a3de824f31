import Bytes

@testable import TSDB

/// Inputs on which a reader once trapped or lost its way, with what it was.
enum FuzzFindings {
    static let all: [(FuzzTarget, [UInt8])] = [
        (.journal, slotBeyondIntegers),
        // The escaped byte became U+FFFD, which was printed as it is and then refused.
        (.promql, Array("x{a=\"\\x82\"}".utf8)),
        // A counter's name with a byte that is no UTF-8, in `net/netstat`: it became a label's value as it was.
        (.cgroups, [28] + Array("TcpExt: Syncook".utf8) + [0xf2] + Array("es TCPTimeouts\nTcpExt: 1 2\n".utf8)),
    ]

    /// A sample of slot 2^64 - 1: the number became -1 and was looked up.
    private static let slotBeyondIntegers: [UInt8] = {
        var body: [UInt8] = []
        VarInt.append(UInt64.max, to: &body)
        VarInt.append(0, to: &body)
        VarInt.append(0, to: &body)
        var record: [UInt8] = []
        unsafe body.withUnsafeBytes { unsafe JournalRecord.append(.loose, numbers: 2, 1, bytes: $0, to: &record) }
        return record
    }()
}
