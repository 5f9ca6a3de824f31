import MetricModel
import PromQLSyntax
import Synchronization

/// Takes the samples of the first window as they are, for queries that ask for a range vector.
///
/// The reader must be one that gives each series away before it reads the next.
final class WindowCapture: RangeKernel {
    struct Window: Sendable {
        var timestamps: [Int64] = []
        var values: [Double] = []
        var histograms: [HistogramSample] = []
    }

    private let boundary: RangeBoundary
    private let lookbackMilliseconds: Int64
    private let captured = Mutex<Window?>(nil)

    init(boundary: RangeBoundary, lookbackMilliseconds: Int64) {
        self.boundary = boundary
        self.lookbackMilliseconds = lookbackMilliseconds
    }

    /// The window of the series read last, nil where it was empty.
    func take() -> Window? {
        captured.withLock { window in
            defer { window = nil }
            return window
        }
    }

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        guard boundary == .plain else {
            return evaluateExtended(input, notes: &notes)
        }
        var window = Window()
        for index in input.floats(at: 0) {
            window.timestamps.append(input.columns.timestamp(at: index))
            window.values.append(input.columns.values[index])
        }
        window.histograms = Array(input.columns.histograms[input.histograms(at: 0)])
        if window.timestamps.isEmpty && window.histograms.isEmpty { return }
        captured.withLock { $0 = window }
    }

    private func evaluateExtended(_ input: RangeInput, notes: inout KernelNotes) {
        let end = input.windows.times.time(at: 0)
        let range = ExtendedRange(
            boundary: boundary, start: end - input.windows.lengthMilliseconds, end: end,
            lookbackMilliseconds: lookbackMilliseconds)
        if input.hasHistograms, range.hasHistograms(input.columns) {
            notes.insert(.smoothedRangeHasHistograms)
            captured.withLock { $0 = Window() }
            return
        }
        let points = range.points(of: input.columns, isCounter: false)
        guard !points.isEmpty else { return }
        let window = Window(timestamps: points.map(\.timestamp), values: points.map(\.value))
        captured.withLock { $0 = window }
    }
}
