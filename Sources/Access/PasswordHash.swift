import CCrypt

/// bcrypt hashes such as `$2y$10$…`, checked with libcrypt.
package enum PasswordHash {
    /// Beyond this cost one check takes seconds.
    package static let maximumCost = 16
    /// bcrypt looks at no more bytes of a password.
    static let maximumPasswordBytes = 72

    /// Whether the text is a bcrypt hash of a cost that can be borne.
    package static func isHash(_ text: String) -> Bool {
        guard text.utf8.count == 60, let cost = cost(of: text) else { return false }
        let digits = text.utf8.dropFirst(7)
        let areDigits = digits.allSatisfy { byte in
            (0x2E...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        return areDigits && (4...maximumCost).contains(cost)
    }

    static func cost(of hash: String) -> Int? {
        let parts = hash.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0].isEmpty, ["2a", "2b", "2x", "2y"].contains(parts[1]), parts[2].utf8.count == 2
        else { return nil }
        return Int(parts[2])
    }

    /// A hash that no password has, of the given cost: what an unknown user is checked against.
    static func unmatchable(cost: Int) -> String {
        "$2b$\(cost < 10 ? "0" : "")\(cost)$" + String(repeating: ".", count: 21) + "e"
            + String(repeating: "/", count: 31)
    }

    /// Whether the password has this hash; takes as long as the hash's cost says.
    static func verify(_ password: [UInt8], against hash: String) -> Bool {
        guard let made = crypted(password, hash) else { return false }
        return isEqual(Array(made.utf8), Array(hash.utf8))
    }

    /// The hash of a password with a fixed salt: for tests, which need hashes of small cost.
    static func made(_ password: [UInt8], cost: Int) -> String {
        crypted(password, "$2b$\(cost < 10 ? "0" : "")\(cost)$abcdefghijklmnopqrstuu") ?? ""
    }

    private static func crypted(_ password: [UInt8], _ setting: String) -> String? {
        // A zero byte would end the password early.
        if password.contains(0) { return nil }
        let state = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
        defer { unsafe state.deallocate() }
        unsafe state.initialize(to: crypt_data())
        let words = (password + [0]).map { CChar(bitPattern: $0) }
        return unsafe crypt_r(words, setting, state).map { unsafe String(cString: $0) }
    }

    /// Compares without stopping at the first difference.
    static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}

/// User and password of a header `Authorization: Basic …`, see RFC 7617.
struct BasicCredentials: Equatable {
    /// Longer headers are no credentials.
    static let maximumHeaderBytes = 4_096

    var user: String
    var password: [UInt8]

    init?(header: String) {
        guard header.utf8.count <= Self.maximumHeaderBytes else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "basic", let bytes = Self.decoded(Array(parts[1].utf8)),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            let user = String(validating: bytes[..<colon], as: UTF8.self)
        else { return nil }
        self.user = user
        password = Array(bytes[(colon + 1)...])
    }

    /// Base64 with its padding, see RFC 4648; nil for anything else.
    static func decoded(_ text: [UInt8]) -> [UInt8]? {
        guard text.count % 4 == 0, !text.isEmpty else { return nil }
        let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        for (index, byte) in text.dropLast(padding).enumerated() {
            guard let digit = digit(byte) else { return nil }
            bits = bits << 6 | UInt32(digit)
            if index % 4 == 3 {
                for shift in [16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
                bits = 0
            }
        }
        if padding == 1 {
            bytes.append(UInt8(truncatingIfNeeded: bits >> 10))
            bytes.append(UInt8(truncatingIfNeeded: bits >> 2))
        } else if padding == 2 {
            bytes.append(UInt8(truncatingIfNeeded: bits >> 4))
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte + 4
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
