import MetricModel
package import PromQL

/// A request, taken apart: nothing of the HTTP library, so that endpoints are tested without sockets.
package struct APIRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET", head = "HEAD", post = "POST", put = "PUT", options = "OPTIONS"
        case delete = "DELETE"
    }

    package var method: Method
    /// The path, percent-decoded, without the query.
    package var path: String
    package var parameters: QueryParameters
    package var headers: RequestHeaders
    package var body: [UInt8]
    /// The address that the request came from; empty where it is not known.
    package var client = ""
    /// The place in the line of queries that the request was given.
    package var query: ActiveQuery?
    /// The query is run with a limit on its work and without waiting, and stays in line where that does not do.
    var isTriedAtOnce = false
    /// Whether a query that finds no room beside others may come once more, on a thread for those that wait for memory.
    var mayComeAgain = false

    /// Whether the answer that was given is none: the request is asked again where it may wait.
    var comesAgain: Bool { mayComeAgain && query?.waitsForMemory == true }

    package init(
        method: Method = .get, path: String, parameters: QueryParameters = QueryParameters(),
        headers: RequestHeaders = [:],
        body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.parameters = parameters
        self.headers = headers
        self.body = body
    }
}

/// Parameters of the URL and of a form body, in order; a name may come several times.
package struct QueryParameters: Sendable {
    /// The most parameters that are read.
    static let countLimit = 10_000

    private var pairs: [(name: String, value: String)] = []

    package init() {}

    /// What is wrong with the first piece that was left out, in Go's words; nil where nothing was.
    private(set) var problem: String?

    /// Reads `a=b&c=d`; percent escapes and `+` are decoded.
    ///
    /// As with Go's `url.ParseQuery`, a piece with a broken escape or a semicolon is left out, and the others count. Pieces that are
    /// not UTF-8 get replacement characters.
    package init(formEncoded bytes: ArraySlice<UInt8>) { append(formEncoded: bytes) }

    /// Reads a text as its bytes.
    package init(formEncoded text: String) { append(formEncoded: Array(text.utf8)[...]) }

    /// Adds the parameters of a text in front.
    package mutating func prepend(formEncoded text: String) { prepend(formEncoded: Array(text.utf8)[...]) }

    /// Adds parameters in front: a form body wins over the URL where one value is asked for.
    package mutating func prepend(formEncoded bytes: ArraySlice<UInt8>) {
        let later = self
        self = QueryParameters()
        append(formEncoded: bytes)
        pairs += later.pairs
        problem = problem ?? later.problem
    }

    private mutating func append(formEncoded bytes: ArraySlice<UInt8>) {
        var start = bytes.startIndex
        var count = 0
        while start < bytes.endIndex, count < Self.countLimit {
            var end = start
            var equals: Int?
            var hasSemicolon = false
            while end < bytes.endIndex, bytes[end] != UInt8(ascii: "&") {
                if bytes[end] == UInt8(ascii: "="), equals == nil { equals = end }
                if bytes[end] == UInt8(ascii: ";") { hasSemicolon = true }
                end += 1
            }
            if hasSemicolon {
                problem = problem ?? "invalid semicolon separator in query"
            } else if start < end {
                append(name: bytes[start..<(equals ?? end)], value: bytes[(equals.map { $0 + 1 } ?? end)..<end])
            }
            start = end + 1
            count += 1
        }
    }

    private mutating func append(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
        do {
            let name = try PercentEncoding.decode(name, plusIsSpace: true)
            pairs.append((name, try PercentEncoding.decode(value, plusIsSpace: true)))
        } catch {
            problem = problem ?? "invalid URL escape \(LabelName.quoted(error.text))"
        }
    }

    /// Refuses what could not be read as a whole, as the paths of Prometheus do that ask for lists.
    func checkWhole() throws(APIError) {
        if let problem { throw APIError(.badData, "error parsing form values: " + problem) }
    }

    /// The first value of a name; nil where it is empty, and where there is none.
    package subscript(_ name: String) -> String? {
        pairs.first { $0.name == name }.flatMap { $0.value.isEmpty ? nil : $0.value }
    }

    /// Every value of a name, in order.
    package func all(_ name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }
}

extension QueryParameters {
    /// How Prometheus' own tools write that a range has no beginning or no end.
    private static let endsOfTime = [
        "-292273086-05-16T16:47:06Z": Timestamp(milliseconds: -1 << 60),
        "292277025-08-18T07:12:54.999999999Z": Timestamp(milliseconds: 1 << 60),
    ]

    /// A time that may be left out: seconds as a decimal number or RFC 3339.
    func time(_ name: String) throws(APIError) -> Timestamp? {
        guard let text = self[name] else { return nil }
        guard let time = Self.time(text) else {
            throw .invalidParameter(name, "invalid time value for '\(name)': \(Self.noTime(text))")
        }
        return time
    }

    /// A time that must be there; Prometheus' words for it are shorter.
    func requiredTime(_ name: String) throws(APIError) -> Timestamp {
        let text = self[name] ?? ""
        guard let time = Self.time(text) else { throw .invalidParameter(name, Self.noTime(text)) }
        return time
    }

    private static func time(_ text: String) -> Timestamp? { endsOfTime[text] ?? TimeText.parse(text) }

    private static func noTime(_ text: String) -> String {
        "cannot parse \(LabelName.quoted(text)) to a valid timestamp"
    }

    /// A duration in milliseconds: seconds as a decimal number or `1h30m`.
    ///
    /// - Returns: nil where the parameter is left out.
    func duration(_ name: String) throws(APIError) -> Int64? {
        guard let text = self[name] else { return nil }
        return try duration(text) { .invalidParameter(name, $0) }
    }

    /// A duration that must be there.
    func requiredDuration(_ name: String) throws(APIError) -> Int64 {
        try duration(self[name] ?? "") { .invalidParameter(name, $0) }
    }

    /// The age of samples that a query asks for; of this parameter errors are told without its name.
    func lookback() throws(APIError) -> Int64? {
        guard let text = self["lookback_delta"] else { return nil }
        return try duration(text) { APIError(.badData, "error parsing lookback delta duration: " + $0) }
    }

    private func duration(_ text: String, _ error: (String) -> APIError) throws(APIError) -> Int64 {
        switch TimeText.readDuration(text) {
        case .milliseconds(let milliseconds): return milliseconds
        case .tooLong: throw error("cannot parse \(LabelName.quoted(text)) to a valid duration. It overflows int64")
        case .noDuration: throw error("cannot parse \(LabelName.quoted(text)) to a valid duration")
        }
    }

    /// A count of 0 (none) or more.
    func limit(_ name: String = "limit") throws(APIError) -> Int {
        guard let text = self[name] else { return 0 }
        guard let number = Int(text) else {
            let digits = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
            let isNumber =
                !digits.isEmpty && digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            let cause = isNumber ? "value out of range" : "invalid syntax"
            throw .invalidParameter(name, "strconv.Atoi: parsing \(LabelName.quoted(text)): \(cause)")
        }
        guard number >= 0 else { throw .invalidParameter(name, "limit must be non-negative") }
        return number
    }
}

/// Percent encoding of URLs (RFC 3986).
package enum PercentEncoding {
    /// A percent sign without two digits behind it.
    package struct BrokenEscape: Error {
        /// The sign and up to two characters behind it.
        package let text: String
    }

    package static func decode(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) throws(BrokenEscape) -> String {
        let isPlain = !bytes.contains { $0 == UInt8(ascii: "%") || ($0 == UInt8(ascii: "+") && plusIsSpace) }
        if isPlain { return String(decoding: bytes, as: UTF8.self) }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "%") {
                guard let escaped = escape(bytes[index...].prefix(2)) else {
                    throw BrokenEscape(text: String(decoding: bytes[(index - 1)...].prefix(3), as: UTF8.self))
                }
                result.append(escaped)
                index += 2
            } else {
                result.append(byte == UInt8(ascii: "+") && plusIsSpace ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The byte that two digits stand for.
    private static func escape(_ digits: ArraySlice<UInt8>) -> UInt8? {
        guard digits.count == 2, let high = digits.first.flatMap(hexDigit), let low = digits.last.flatMap(hexDigit)
        else { return nil }
        return high << 4 | low
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
