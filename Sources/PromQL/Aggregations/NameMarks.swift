/// Whether a group loses its name at the end (delayed name removal): one that is marked at the last step that any has.
///
/// Prometheus asks the members of a step for their marks, and the last step it comes to is remembered.
struct NameMarks {
    private var lastMarked = -1
    private var lastUnmarked = -1

    var dropName: Bool { lastMarked >= 0 && lastMarked >= lastUnmarked }

    mutating func add(_ series: StepSeries) {
        guard let last = series.lastStep else { return }
        if series.dropsName { lastMarked = max(lastMarked, last) } else { lastUnmarked = max(lastUnmarked, last) }
    }
}
