import MetricModel

/// What is wrong with the settings of a job although each value is well formed.
package enum ScrapeSettingsError: Error, Sendable, Hashable {
    case emptyJobName
    case duplicateJobName(String)
    case zeroInterval(job: String)
    case zeroTimeout(job: String)
    case timeoutAboveInterval(job: String, timeoutMilliseconds: Int64, intervalMilliseconds: Int64)
    case noProtocols(job: String)
    case duplicateProtocol(job: String)
    case bodySizeLimitTooLarge(job: String, bytes: Int)
    case escapingNeedsUTF8(job: String)
    case addressWithSlash(job: String, address: String)
    case severalAuthorizations(job: String)
    case basicAsAuthorizationType(job: String)
    case exclusive(job: String, String, String)
    case certificateWithoutKey(job: String)
    case versionsCrossed(job: String)
}

extension ScrapeSettingsError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .emptyJobName: "job_name is empty"
        case .duplicateJobName(let job): "found multiple scrape configs with job name \(LabelName.quoted(job))"
        case .zeroInterval(let job): "scrape_interval of job \(LabelName.quoted(job)) must be greater than 0"
        case .zeroTimeout(let job): "scrape_timeout of job \(LabelName.quoted(job)) must be greater than 0"
        case .timeoutAboveInterval(let job, let timeout, let interval):
            "scrape_timeout \(DurationText.text(milliseconds: timeout)) is greater than scrape_interval "
                + "\(DurationText.text(milliseconds: interval)) in job \(LabelName.quoted(job))"
        case .noProtocols(let job): "scrape_protocols of job \(LabelName.quoted(job)) is empty"
        case .duplicateProtocol(let job): "scrape_protocols of job \(LabelName.quoted(job)) names one protocol twice"
        case .bodySizeLimitTooLarge(let job, let bytes):
            "body_size_limit of job \(LabelName.quoted(job)) is \(bytes) bytes, at most "
                + "\(ScrapeSafety.bodySizeMaximumBytes) are allowed"
        case .escapingNeedsUTF8(let job):
            "metric_name_escaping_scheme allow-utf-8 needs metric_name_validation_scheme utf8 in job "
                + LabelName.quoted(job)
        case .addressWithSlash(let job, let address):
            "\(LabelName.quoted(address)) in job \(LabelName.quoted(job)) is not a valid target: write host:port, "
                + "and the path as metrics_path"
        case .severalAuthorizations(let job):
            "at most one of basic_auth, authorization, bearer_token and oauth2 may be set in job "
                + LabelName.quoted(job)
        case .basicAsAuthorizationType(let job):
            "authorization type Basic is not allowed in job \(LabelName.quoted(job)): use basic_auth"
        case .exclusive(let job, let first, let second):
            "at most one of \(first) and \(second) may be set in job \(LabelName.quoted(job))"
        case .certificateWithoutKey(let job):
            "a client certificate needs both cert and key in tls_config of job \(LabelName.quoted(job))"
        case .versionsCrossed(let job):
            "min_version is above max_version in tls_config of job \(LabelName.quoted(job))"
        }
    }
}
