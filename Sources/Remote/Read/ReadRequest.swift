import Bytes
import MetricModel
import Storage

/// A request of remote read.
///
///     ReadRequest   1 queries, 2 accepted response types (0 samples, 1 streamed chunks)
///     Query         1 start (ms), 2 end (ms), 3 matchers, 4 hints (not looked at)
///     LabelMatcher  1 type (0 =, 1 !=, 2 =~, 3 !~), 2 name, 3 value
///
/// https://prometheus.io/docs/prometheus/latest/querying/remote_read_api/
struct ReadRequest {
    struct Query {
        var range: TimeRange
        var matchers: [LabelMatcher]
    }

    var queries: [Query] = []
    /// Empty where the client does not say.
    var acceptedTypes: [UInt64] = []

    /// Whether whole samples are an answer that the client takes.
    var acceptsSamples: Bool { acceptedTypes.isEmpty || acceptedTypes.contains(0) }

    init(_ body: UnsafeRawBufferPointer) throws(ReadRequestError) {
        var reader = unsafe WireReader(body)
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .bytes):
                guard queries.count < ReadSettings.queryLimit else {
                    throw .tooLarge(limitName: "readQueryLimit", limit: ReadSettings.queryLimit)
                }
                unsafe queries.append(try Self.query(reader.message, body))
            case (2, _):
                if !reader.appendNumbers(limit: ReadSettings.queryLimit, to: &acceptedTypes) { break }
            default: continue
            }
        }
        if let fault = reader.fault { throw .damaged(fault) }
    }

    private static func query(
        _ message: WireReader, _ body: UnsafeRawBufferPointer
    ) throws(ReadRequestError) -> Query {
        var reader = message
        var start: Int64 = 0
        var end: Int64 = 0
        var matchers: [LabelMatcher] = []
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .varint): start = reader.signed
            case (2, .varint): end = reader.signed
            case (3, .bytes): unsafe matchers.append(try matcher(reader.message, body))
            default: continue
            }
        }
        if let fault = reader.fault { throw .damaged(fault) }
        let range = TimeRange(start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end))
        return Query(range: range, matchers: matchers)
    }

    private static func matcher(
        _ message: WireReader, _ body: UnsafeRawBufferPointer
    ) throws(ReadRequestError) -> LabelMatcher {
        var reader = message
        var kind = LabelMatcher.Kind.equal
        var name = ""
        var value = ""
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .varint):
                let kinds: [LabelMatcher.Kind] = [.equal, .notEqual, .regex, .notRegex]
                guard reader.number < kinds.count else { throw .matcher("invalid matcher type") }
                kind = kinds[Int(reader.number)]
            case (2, .bytes): name = unsafe String(decoding: body[reader.content], as: UTF8.self)
            case (3, .bytes): value = unsafe String(decoding: body[reader.content], as: UTF8.self)
            default: continue
            }
        }
        if let fault = reader.fault { throw .damaged(fault) }
        do {
            return try LabelMatcher(name, kind, value)
        } catch {
            throw .matcher(error.description)
        }
    }
}

/// Limits of remote read.
package enum ReadSettings {
    /// Bytes of a request after decompression, as in Prometheus.
    static let decodedByteLimit = 32 << 20
    static let queryLimit = 1_000
    /// Bytes of an answer before compression: it is made whole, in memory.
    package static let responseByteLimit = 64 << 20
    /// Answers that are made at one time.
    static let concurrencyLimit = 4
}

/// Why a request is refused.
enum ReadRequestError: Error, CustomStringConvertible {
    case compression(CompressionError)
    case damaged(WireReader.Fault)
    case matcher(String)
    case storage(StorageError)
    case tooLarge(limitName: String, limit: Int)
    case unsupportedTypes([UInt64])

    var description: String {
        switch self {
        case .compression(let error): error.description
        case .damaged(let fault): fault.description
        case .matcher(let reason): reason
        case .storage(let error): "\(error)"
        case .tooLarge(let name, let limit): "limit \(name) exceeded: more than \(limit); ask for less at once"
        case .unsupportedTypes(let types): "none of the requested response types is supported: \(types)"
        }
    }

    var status: Int {
        if case .storage = self { return 500 }
        return 400
    }
}
