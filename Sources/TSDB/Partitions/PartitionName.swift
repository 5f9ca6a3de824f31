import MetricModel

/// What the file of a partition is called: the span of its samples, and a number that no other file ever had.
///
/// A file is deleted when another says by name that it replaces it (`PartitionMetadata.replaces`), at every start; a name
/// that came back would take new samples with it. Files of older versions have names without the number.
enum PartitionName {
    /// `2026-11-23T14.00.00-2026-11-23T15.59.45-0123456789abcdef`, seconds rounded down.
    static func make(start: Int64, end: Int64, unique: UInt64 = .random(in: .min ... .max)) -> String {
        let number = String(unique, radix: 16)
        return text(start) + "-" + text(end) + "-" + String(repeating: "0", count: 16 - number.utf8.count) + number
    }

    private static func text(_ milliseconds: Int64) -> String {
        let date = CivilDate(Timestamp(milliseconds: milliseconds))
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        return
            "\(date.year)-\(two(date.month))-\(two(date.day))T\(two(date.hour)).\(two(date.minute)).\(two(date.second))"
    }
}
