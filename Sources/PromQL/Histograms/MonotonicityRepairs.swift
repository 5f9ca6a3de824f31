import Bytes
import MetricModel
import PromQLSyntax

/// What was done to classic histograms so that their counts rise with the bounds, time by time.
struct MonotonicityRepairs {
    /// What was done at one time.
    struct Part {
        let time: Int64
        fileprivate(set) var repair = ClassicBuckets.Repair()
        /// Of how many histograms.
        fileprivate(set) var count = 0

        fileprivate mutating func formUnion(_ other: ClassicBuckets.Repair, count more: Int = 1) {
            repair.lowestBound = min(repair.lowestBound, other.lowestBound)
            repair.highestBound = max(repair.highestBound, other.highestBound)
            repair.largestDifference = max(repair.largestDifference, other.largestDifference)
            count += more
        }
    }

    /// In order of time, each time once.
    private var parts: [Part]

    fileprivate init(_ parts: [Part]) { self.parts = parts }

    var isEmpty: Bool { parts.isEmpty }
    var byteCount: Int { parts.count * MemoryLayout<Part>.stride }

    /// Those of some times.
    func within(_ times: ClosedRange<Int64>) -> MonotonicityRepairs {
        MonotonicityRepairs(parts.filter { times.contains($0.time) })
    }

    mutating func formUnion(_ other: MonotonicityRepairs) {
        var union: [Part] = []
        union.reserveCapacity(parts.count + other.parts.count)
        var rest = other.parts[...]
        for var part in parts {
            while let first = rest.first, first.time <= part.time {
                rest.removeFirst()
                if first.time < part.time {
                    union.append(first)
                } else {
                    part.formUnion(first.repair, count: first.count)
                }
            }
            union.append(part)
        }
        parts = union + rest
    }

    /// What is told of them all, behind a text; nothing where there are none.
    var details: String {
        guard let first = parts.first, let last = parts.last else { return "" }
        var all = Part(time: first.time)
        for part in parts { all.formUnion(part.repair, count: part.count) }
        return ", from buckets \(GoNumber.general(all.repair.lowestBound)) to "
            + "\(GoNumber.general(all.repair.highestBound)), with a max diff of "
            + "\(GoNumber.twoDigits(all.repair.largestDifference)), over \(all.count) samples from "
            + "\(Self.seconds(first.time)) to \(Self.seconds(last.time))"
    }

    /// Whole seconds, cut off towards the epoch.
    private static func seconds(_ time: Int64) -> String {
        TimeText.rfc3339(Timestamp(milliseconds: time / 1000 * 1000))
    }
}

/// Collects the repairs of an operator's steps, by metric name.
struct MonotonicityReport {
    private struct Line {
        let name: String
        /// One for each step, or one for all.
        var parts: [MonotonicityRepairs.Part]
        var first = Int64.max
        var last = Int64.min
    }

    private let timeline: Timeline
    private let isByStep: Bool
    private var lines: [Line] = []
    private var indexes: [ExactText: Int] = [:]
    /// What was taken and is counted.
    private(set) var countedBytes = 0

    /// - Parameter isByStep: Somebody wants to know of each step; without that a subquery's many take no memory each.
    init(over timeline: Timeline, isByStep: Bool) {
        self.timeline = timeline
        self.isByStep = isByStep
    }

    mutating func add(_ repair: ClassicBuckets.Repair, at step: Int, name: String) {
        let index = index(of: name)
        let time = timeline.time(at: step)
        lines[index].first = min(lines[index].first, time)
        lines[index].last = max(lines[index].last, time)
        lines[index].parts[isByStep ? step : 0].formUnion(repair)
    }

    private mutating func index(of name: String) -> Int {
        let text = ExactText(name)
        if let known = indexes[text] { return known }
        indexes[text] = lines.count
        let count = isByStep ? timeline.count : 1
        lines.append(
            Line(name: name, parts: (0..<count).map { MonotonicityRepairs.Part(time: timeline.time(at: $0)) }))
        return lines.count - 1
    }

    /// What was taken since it was asked last; from then on it is counted.
    mutating func takeUncountedBytes() -> Int {
        let lineBytes = (isByStep ? timeline.count : 1) * MemoryLayout<MonotonicityRepairs.Part>.stride + 128
        let bytes = lines.count * lineBytes - countedBytes
        countedBytes += bytes
        return bytes
    }

    func annotate(_ context: QueryContext, at range: SourceRange) {
        for line in lines {
            let suffix = line.name.isEmpty ? "" : " for metric name \(LabelName.quoted(line.name))"
            context.inform(
                of: repairs(of: line), on: timeline,
                "input to histogram_quantile needed to be fixed for monotonicity (see "
                    + "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)\(suffix)",
                at: range)
        }
    }

    private func repairs(of line: Line) -> MonotonicityRepairs {
        if isByStep { return MonotonicityRepairs(line.parts.filter { $0.count > 0 }) }
        // All at the first time, and that there was something at the last.
        var first = MonotonicityRepairs.Part(time: line.first)
        for part in line.parts { first.formUnion(part.repair, count: part.count) }
        if line.first == line.last { return MonotonicityRepairs([first]) }
        var last = MonotonicityRepairs.Part(time: line.last)
        last.formUnion(first.repair, count: 0)
        return MonotonicityRepairs([first, last])
    }
}
