import MetricModel

/// What a target answered.
package struct ScrapeBody: Sendable {
    package var bytes: [UInt8]
    package var isGzip: Bool
    package var contentType: String

    package init(bytes: [UInt8], isGzip: Bool = false, contentType: String = "text/plain; version=0.0.4") {
        self.bytes = bytes
        self.isGzip = isGzip
        self.contentType = contentType
    }
}

/// Whether an answer that has begun may be read.
package struct AnswerAdmission: Sendable {
    /// Asked on the executor of the fetcher, when the answer begins and then again and again until it says yes.
    package var isOpen: @Sendable () -> Bool
    /// What the fetch fails with when its time ends meanwhile.
    package var failure: ScrapeFailure
}

/// What one fetch needs to know.
package struct FetchRequest: Sendable {
    /// Which fetch of its target it is; the completion hears it again.
    package var number = 0
    package var timeoutMilliseconds: Int64
    /// Of the body as it comes over the wire.
    package var bodyLimitBytes: Int
    package var bodyLimitName: String
    /// Nil where any answer may be read at once.
    package var admission: AnswerAdmission?
}

/// Gets the page of one target, again and again.
///
/// Belongs to one executor; the completion is called there, once, with the request's number.
package protocol ScrapeFetcher: AnyObject, Sendable {
    typealias Completion = @Sendable (_ number: Int, Result<ScrapeBody, ScrapeFailure>) -> Void

    func fetch(_ request: FetchRequest, completion: @escaping Completion)

    /// Gives up what is in flight (its completion hears `.cancelled`) and closes connections.
    func cancel()
}

/// Where the work of a target runs: one thing after the other, on one thread.
package protocol ScrapeExecutor: AnyObject, Sendable {
    func execute(_ work: @escaping @Sendable () -> Void)
    /// An alarm that is not set; `ring` is called on the executor.
    func makeAlarm(_ ring: @escaping @Sendable () -> Void) -> any ScrapeAlarm
}

/// Calls one closure when its time has come, each time it is set.
///
/// It is made once and set for each scrape, so that waiting allocates nothing. Used on its executor.
package protocol ScrapeAlarm: Sendable {
    /// Rings once after the delay, and no more for what it was set to before.
    func set(afterMilliseconds delay: Int64)
    func cancel()
}
