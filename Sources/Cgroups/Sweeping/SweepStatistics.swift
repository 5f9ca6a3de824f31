/// What the collector's own work cost and what went wrong, for its own series.
struct SweepStatistics {
    /// Kinds of errors, in the order of their counters.
    enum ErrorKind: Int, CaseIterable {
        case vanished, denied, exhausted, malformed, watch, other

        var text: StaticString {
            switch self {
            case .vanished: "vanished"
            case .denied: "denied"
            case .exhausted: "exhausted"
            case .malformed: "malformed"
            case .watch: "watch"
            case .other: "other"
            }
        }
    }

    var sweeps: UInt64 = 0
    var sweepNanoseconds: UInt64 = 0
    var lastSweepNanoseconds: UInt64 = 0
    var renderNanoseconds: UInt64 = 0
    var scans: UInt64 = 0
    var cgroupsAppeared: UInt64 = 0
    var cgroupsVanished: UInt64 = 0
    /// Directories left out because a ceiling was reached.
    var cgroupsLeftOut: UInt64 = 0
    var seriesLeftOut: UInt64 = 0
    /// Readings of one cgroup outside a sweep: at its birth, at its end.
    var extraSamples: UInt64 = 0
    /// Cgroups that went before their last numbers could be read.
    var endsWithoutFinalSample: UInt64 = 0
    private(set) var errors = [UInt64](repeating: 0, count: ErrorKind.allCases.count)

    mutating func count(_ kind: ErrorKind, _ times: UInt64 = 1) {
        errors[kind.rawValue] &+= times
    }
}
