package import MetricModel

/// A target after relabelling: what to fetch, how often, and the labels that its series get.
package struct ScrapeTarget: Sendable, Hashable {
    package var jobName: String
    /// Before relabelling, internal labels included.
    package var discoveredLabels: LabelSet
    /// Without the internal ones.
    package var labels: LabelSet
    package var url: TargetURL
    /// The path of a Unix socket to dial instead of the address.
    package var unixSocketPath: String?
    package var intervalMilliseconds: Int64
    package var timeoutMilliseconds: Int64
    /// What relabelling made of the job's switches for this target; nil where they are the job's.
    package var nativeHistograms: ScrapeJobSettings.NativeHistograms?

    /// Two targets of a job with the same labels and URL are one.
    package var identity: Identity {
        Identity(jobName: jobName, labels: labels, url: url, unixSocketPath: unixSocketPath)
    }

    package struct Identity: Sendable, Hashable {
        var jobName: String
        var labels: LabelSet
        var url: TargetURL
        var unixSocketPath: String?
    }

    /// Spreads targets over their interval; the same in every run.
    var spreadHash: UInt64 {
        var hash = labels.byteHash
        for byte in url.description.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash ^ hash >> 29
    }
}

/// Why a target was left out.
package enum TargetError: Error, Sendable, Hashable {
    case noAddress
    case invalidAddress(String)
    case invalidScheme(String)
    case invalidInterval(String)
    case invalidTimeout(String)
    case zeroInterval
    case zeroTimeout
    case timeoutAboveInterval(timeout: String, interval: String)
    case invalidSwitch(name: String, value: String)
}

extension TargetError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noAddress: "no address"
        case .invalidAddress(let address): "\(LabelName.quoted(address)) is not a valid address"
        case .invalidScheme(let scheme): "invalid scheme \(LabelName.quoted(scheme)): http and https are supported"
        case .invalidInterval(let text): "error parsing scrape interval: \(LabelName.quoted(text)) is not a duration"
        case .invalidTimeout(let text): "error parsing scrape timeout: \(LabelName.quoted(text)) is not a duration"
        case .zeroInterval: "scrape interval cannot be 0"
        case .zeroTimeout: "scrape timeout cannot be 0"
        case .timeoutAboveInterval(let timeout, let interval):
            "scrape timeout cannot be greater than scrape interval (\(LabelName.quoted(timeout)) > "
                + "\(LabelName.quoted(interval)))"
        case .invalidSwitch(let name, let value): "error parsing \(name): \(LabelName.quoted(value)) is not a boolean"
        }
    }
}
