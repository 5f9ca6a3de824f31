import MetricModel

/// `stddev_over_time` and `stdvar_over_time`: population variance after Welford, compensated.
struct VarianceOverTime: QuartetFunction {
    let takesRoot: Bool

    /// A window on its way, after `count` values.
    private struct Progress {
        var count = 0.0
        var mean = CompensatedSum()
        var squares = CompensatedSum()

        @inline(__always)
        mutating func add(_ next: Double) {
            count += 1
            let delta = next - (mean.sum + mean.compensation)
            mean.add(delta / count)
            squares.add(delta * (next - (mean.sum + mean.compensation)))
        }
    }

    func value(_ window: Span<Double>, _ place: WindowPlace) -> Double {
        var progress = Progress()
        for index in 0..<window.count { progress.add(window[index]) }
        return result(progress)
    }

    func values(_ quartet: WindowQuartet, _ column: Span<Double>) -> SIMD4<Double> {
        var count = 0.0
        var mean = FourCompensatedSums()
        var squares = FourCompensatedSums()
        for index in 0..<quartet.sharedCount {
            let next = quartet.values(at: index, of: column)
            count += 1
            let delta = next - (mean.sum + mean.compensation)
            mean.add(delta / count)
            squares.add(delta * (next - (mean.sum + mean.compensation)))
        }
        var results = SIMD4<Double>()
        for lane in 0..<4 {
            var progress = Progress(count: count, mean: mean.lane(lane), squares: squares.lane(lane))
            for index in quartet.rest(of: lane) { progress.add(column[index]) }
            results[lane] = result(progress)
        }
        return results
    }

    private func result(_ progress: Progress) -> Double {
        let variance = (progress.squares.sum + progress.squares.compensation) / progress.count
        return takesRoot ? variance.squareRoot() : variance
    }
}
