import Glibc

/// How many descriptors the collector may keep open.
///
/// A descriptor kept open makes a read seven times cheaper than an open, but costs the kernel about 4.5 KB after its
/// first read; and descriptors are needed for sockets too, so at most half of the process's limit is taken.
struct DescriptorBudget {
    /// Descriptors left to the rest of the process whatever the limit.
    static let reserve = 256
    static let raisedLimit: UInt64 = 65_536

    let maximum: Int
    private(set) var used = 0

    init(maximum: Int) {
        self.maximum = maximum
    }

    init(settings: CollectorSettings) {
        var limits = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(7), &limits) == 0 else {
            self.init(maximum: 0)
            return
        }
        if settings.raisesDescriptorLimit, limits.rlim_cur < min(UInt64(limits.rlim_max), Self.raisedLimit) {
            limits.rlim_cur = min(limits.rlim_max, rlim_t(Self.raisedLimit))
            _ = unsafe setrlimit(__rlimit_resource_t(7), &limits)
            _ = unsafe getrlimit(__rlimit_resource_t(7), &limits)
        }
        let half = Int(clamping: limits.rlim_cur / 2) - Self.reserve
        self.init(maximum: max(0, min(settings.maximumKeptDescriptors, half)))
    }

    /// Whether one more may be kept; if so it is counted.
    mutating func take() -> Bool {
        guard used < maximum else { return false }
        used += 1
        return true
    }

    mutating func giveBack() {
        used -= 1
    }
}
