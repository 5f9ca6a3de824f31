import AsyncHTTPClient
import Bytes
import NIOCore
import NIOHTTP1

/// What can go wrong when another server is asked.
package enum APIClientError: Error, Sendable {
    /// Nothing answers there; the reason is the system's own.
    case unreachable(server: String, reason: String)
    /// It answered, and said no: Prometheus' error type and sentence.
    case refused(type: String, message: String)
    /// It answered something that is not Prometheus' API.
    case notTheAPI(server: String, status: Int, what: String)
}

extension APIClientError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let server, let reason):
            "cannot reach \(server): \(reason). Is `lapwing serve` running there? Another address goes with --server URL"
        case .refused(_, let message): message
        case .notTheAPI(let server, let status, let what):
            "\(server) answered with status \(status), but not as Prometheus' API does: \(what)"
        }
    }
}

/// Asks a server that speaks Prometheus' HTTP API; for the command line.
package struct APIClient: Sendable {
    /// The largest answer that is read.
    package static let responseLimitBytes = 1 << 30

    private let server: String
    private let timeoutSeconds: Int64
    /// A server that is not there is not waited for: people want to know at once.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(configuration: configuration)
    }()

    /// - Parameter server: a base URL such as `http://127.0.0.1:9090`; a missing scheme is taken for http.
    package init(server: String, timeoutSeconds: Int64 = 150) {
        var server = server.contains("://") ? server : "http://" + server
        while server.hasSuffix("/") { server.removeLast() }
        self.server = server
        self.timeoutSeconds = timeoutSeconds
    }

    /// Posts a form and gives the answer's bytes, whatever they say.
    package func post(_ path: String, form: [(name: String, value: String)]) async throws(APIClientError) -> (
        status: Int, body: [UInt8]
    ) {
        let encoded = form.map { Self.encode($0.name) + "=" + Self.encode($0.value) }.joined(separator: "&")
        return try await post(path, body: Array(encoded.utf8), contentType: "application/x-www-form-urlencoded")
    }

    /// Posts a body and gives the answer's bytes, whatever they say.
    package func post(
        _ path: String, body: [UInt8], contentType: String
    ) async throws(APIClientError) -> (status: Int, body: [UInt8]) {
        var request = HTTPClientRequest(url: server + path)
        request.method = .POST
        request.headers.add(name: "content-type", value: contentType)
        request.body = .bytes(ByteBuffer(bytes: body))
        return try await execute(request)
    }

    /// Gets the whole answer of a success.
    package func get(_ path: String) async throws(APIClientError) -> JSONValue {
        let (status, body) = try await execute(HTTPClientRequest(url: server + path))
        return try success(of: body, status: status)
    }

    private func execute(_ request: HTTPClientRequest) async throws(APIClientError) -> (status: Int, body: [UInt8]) {
        var request = request
        request.headers.add(name: "user-agent", value: "lapwing")
        do {
            let response = try await Self.client.execute(request, timeout: .seconds(timeoutSeconds))
            let body = try await response.body.collect(upTo: Self.responseLimitBytes)
            return (Int(response.status.code), Array(body.readableBytesView))
        } catch {
            throw .unreachable(server: server, reason: Self.reason(error))
        }
    }

    /// Posts a form and gives the whole answer of a success.
    package func ask(_ path: String, form: [(name: String, value: String)]) async throws(APIClientError) -> JSONValue {
        let (status, body) = try await post(path, form: form)
        return try success(of: body, status: status)
    }

    /// The answer in a body, thrown where it tells of an error.
    package func success(of body: [UInt8], status: Int) throws(APIClientError) -> JSONValue {
        let answer: JSONValue
        do {
            answer = try JSONReader.read(body)
        } catch {
            throw .notTheAPI(server: server, status: status, what: error.description)
        }
        guard answer["status"]?.text == "success" else {
            guard let message = answer["error"]?.text else {
                throw .notTheAPI(server: server, status: status, what: "no field \"status\"")
            }
            let hint = answer["suggestion"]?.text.map { ", " + $0 } ?? ""
            throw .refused(type: answer["errorType"]?.text ?? "", message: message + hint)
        }
        return answer
    }

    private static func reason(_ error: any Error) -> String {
        let text = String(describing: error)
        if text.contains("ECONNREFUSED") || text.contains("Connection refused") { return "connection refused" }
        if text.contains("unsupportedScheme") { return "only http:// and https:// can be asked" }
        if text.contains("UnknownHost") { return "no such host" }
        if text.contains("WRONG_VERSION_NUMBER") { return "no TLS is spoken there, write http://" }
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return "its certificate is not trusted here" }
        if text.contains("connectTimeout") || text.contains("deadlineExceeded") { return "no answer in time" }
        return text
    }

    private static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.append(byte)
            default: result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
