import Bytes
import Exposition
import MetricModel
import Remote
import Storage

/// `/api/v1/admin/tsdb/*`: what only an operator does; refused unless switched on.
struct AdministrationEndpoints: Sendable {
    /// The most that a compressed body may hold.
    static let decompressedLimitBytes = 256 << 20
    /// Samples that are stored at a time.
    static let samplesPerBatch = 200_000

    /// nil where `--web.enable-admin-api` was not given.
    let store: (any StoreAdministration)?
    let exemplars: (any ExemplarStore)?
    let metadata: (any MetadataStore)?

    private func enabled() throws(APIError) -> any StoreAdministration {
        guard let store else {
            throw APIError(.unavailable, "admin APIs disabled; start with --web.enable-admin-api to have them")
        }
        return store
    }

    /// Stores OpenMetrics text of any age.
    ///
    /// A text in several requests says in `line` where each begins, so that an error names the line of the whole.
    func importOpenMetrics(_ request: APIRequest) throws(APIError) -> APIResponse {
        let target = TextImport(store: try enabled(), exemplars: exemplars, metadata: metadata)
        var firstLine = 1
        if let text = request.parameters["line"] {
            guard let number = Int(text), number > 0, number < 1 << 60 else {
                throw .invalidParameter("line", "must be a number above 0")
            }
            firstLine = number
        }
        let body = try Self.body(of: request)
        var reader = OpenMetricsImport(firstLine: firstLine)
        var outcome = TextImport.Outcome()
        var start = 0
        repeat {
            let end = min(body.count, start + 8 << 20)
            do throws(ExpositionError) {
                if start < end { try reader.feed(body[start..<end]) }
                if end == body.count { try reader.finish() }
            } catch {
                throw APIError(.badData, error.description)
            }
            start = end
            guard reader.sampleCount >= Self.samplesPerBatch || start == body.count else { continue }
            do throws(AppendError) {
                outcome.add(try target.add(reader.take()))
            } catch {
                throw APIError(.unavailable, error.description)
            }
        } while start < body.count
        return .success { writer in
            writer.object {
                for (name, count) in [
                    ("imported", outcome.samples.appended), ("duplicate", outcome.samples.duplicate),
                    ("refused", outcome.samples.refusedCount - outcome.samples.duplicate),
                    ("exemplars", outcome.exemplars),
                ] {
                    $0.key(name)
                    $0.integer(count)
                }
            }
        }
    }

    func deleteSeries(_ request: APIRequest) throws(APIError) -> APIResponse {
        let store = try enabled()
        try request.parameters.checkWhole()
        guard !request.parameters.all("match[]").isEmpty else {
            throw APIError(.badData, "no match[] parameter provided")
        }
        let range = try SeriesEndpoints.timeRange(request.parameters)
        let selectors = try SeriesEndpoints.selectors(request.parameters, isNamed: true)
        guard range.start <= range.end else { return .noContent }
        do {
            try store.deleteSeries(matching: selectors, in: range)
        } catch {
            throw APIError(error)
        }
        return .noContent
    }

    func snapshot(_ request: APIRequest) throws(APIError) -> APIResponse {
        let store = try enabled()
        let text = request.parameters["skip_head"] ?? "false"
        guard let skipsHead = ["true": true, "1": true, "false": false, "0": false][text] else {
            throw .invalidParameter("skip_head", "unable to parse boolean \"\(text)\"")
        }
        let name: String
        do {
            name = try store.snapshot(skippingHead: skipsHead)
        } catch {
            throw APIError(error)
        }
        return .success { writer in
            writer.object {
                $0.key("name")
                $0.string(name)
            }
        }
    }

    func cleanTombstones(_ request: APIRequest) throws(APIError) -> APIResponse {
        let store = try enabled()
        do {
            try store.cleanTombstones()
        } catch {
            throw APIError(error)
        }
        return .noContent
    }

    private static func body(of request: APIRequest) throws(APIError) -> [UInt8] {
        guard request.headers["content-encoding"] == "gzip" || request.body.starts(with: [0x1f, 0x8b]) else {
            return request.body
        }
        var body: [UInt8] = []
        do throws(CompressionError) {
            try Compression.gunzip(request.body, limitBytes: decompressedLimitBytes, into: &body)
        } catch {
            throw APIError(.badData, error.description)
        }
        return body
    }
}
