import MetricModel

/// The newest histogram of each slot that had no float since, to say of the next one whether it goes on from there.
///
/// As Prometheus does when it appends: one that continues says so, one behind a reset, a float or another layout is unknown.
struct ResetHints {
    private var newest: [Int: NativeHistogram] = [:]

    var isEmpty: Bool { newest.isEmpty }

    subscript(_ slot: Int) -> NativeHistogram? {
        get { newest[slot] }
        set { newest[slot] = newValue }
    }

    /// Notes a histogram and answers how it is to be stored.
    mutating func resolve(_ histogram: NativeHistogram, slot: Int) -> NativeHistogram {
        var resolved = histogram
        resolved.counterResetHint = histogram.storedHint(after: newest[slot])
        newest[slot] = histogram
        return resolved
    }

    /// Notes the floats of a row; a staleness marker is one.
    mutating func noteFloats(_ values: [Double]) {
        for slot in newest.keys where slot < values.count && !SpecialValue.isAbsent(values[slot]) { newest[slot] = nil }
    }

    /// Notes that a slot has a float now.
    mutating func noteFloat(slot: Int) {
        if !newest.isEmpty { newest[slot] = nil }
    }
}

extension [HistogramSample] {
    /// Says of no counter whether it was reset: the order became another one since that was found out.
    mutating func forgetResetHints() {
        for index in indices { self[index].histogram.forgetResetHint() }
    }
}
