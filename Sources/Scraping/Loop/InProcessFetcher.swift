import Dispatch

/// Writes the page of a target that lives in this process: appends text in format 0.0.4.
package typealias InProcessPage = @Sendable (inout [UInt8]) -> Void

/// "Fetches" a page from this process.
///
/// Pages are written on a queue of their own, one at a time, because reading kernel files may stall and the event loops
/// must not.
final class InProcessFetcher: ScrapeFetcher {
    private static let queue = DispatchQueue(label: "lapwing.scrape.in-process")

    private let page: InProcessPage
    private let executor: any ScrapeExecutor

    init(page: @escaping InProcessPage, executor: any ScrapeExecutor) {
        self.page = page
        self.executor = executor
    }

    func fetch(_ request: FetchRequest, completion: @escaping Completion) {
        Self.queue.async { [page, executor] in
            var bytes: [UInt8] = []
            page(&bytes)
            let result: Result<ScrapeBody, ScrapeFailure> =
                bytes.count > request.bodyLimitBytes
                ? .failure(.bodyTooLarge(limitName: request.bodyLimitName, limitBytes: request.bodyLimitBytes))
                : .success(ScrapeBody(bytes: bytes))
            executor.execute { completion(request.number, result) }
        }
    }

    /// A page being written is finished; whoever asked no longer listens.
    func cancel() {}
}
