import MetricModel

/// The names of partition files: first and last sample in UTC, so that a listing is in order of time.
enum PartitionName {
    /// `2026-11-23T14.00.00-2026-11-23T15.59.45`, seconds rounded down.
    static func make(start: Int64, end: Int64) -> String { text(start) + "-" + text(end) }

    private static func text(_ milliseconds: Int64) -> String {
        let date = CivilDate(Timestamp(milliseconds: milliseconds))
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        return
            "\(date.year)-\(two(date.month))-\(two(date.day))T\(two(date.hour)).\(two(date.minute)).\(two(date.second))"
    }
}
