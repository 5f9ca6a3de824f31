internal import CColumns
import MetricModel

/// `min_over_time` and `max_over_time`: NaN only where all values are NaN.
struct ExtremeOverTime: WindowFunction {
    let takesMaximum: Bool

    /// Shorter windows are looked at one value after the other.
    private static let vectorLength = 32

    func value(_ window: Span<Double>, _ place: WindowPlace) -> Double { value(window) }

    func value(_ window: Span<Double>) -> Double {
        if window.count >= Self.vectorLength {
            let found = unsafe window.withUnsafeBufferPointer { values in
                guard let start = values.baseAddress else { return SpecialValue.notANumber }
                return takesMaximum
                    ? unsafe ccolumns_maximum(start, values.count) : unsafe ccolumns_minimum(start, values.count)
            }
            // Nothing but NaN and infinities would say the same.
            if found.isFinite { return found }
        }
        var result = window[0]
        for index in 1..<max(window.count, 1) {
            let next = window[index]
            if takesMaximum ? next > result : next < result {
                result = next
            } else if result.isNaN {
                result = next
            }
        }
        return result
    }
}

/// `ts_of_min_over_time` and `ts_of_max_over_time`: when the extreme value was seen last, in seconds.
struct TimeOfExtreme: WindowFunction {
    let takesMaximum: Bool

    func value(_ window: Span<Double>, _ place: WindowPlace) -> Double {
        var extreme = window[0]
        var position = 0
        for index in 1..<max(window.count, 1) {
            let next = window[index]
            if (takesMaximum ? next >= extreme : next <= extreme) || extreme.isNaN {
                extreme = next
                position = index
            }
        }
        return Double(place.timestamp(position)) / 1000
    }
}

/// `quantile_over_time`, with a quantile for each step.
struct QuantileOverTime: WindowFunction {
    let quantiles: [Double]

    func value(_ window: Span<Double>, _ place: WindowPlace) -> Double {
        var scratch = [Double](repeating: 0, count: window.count)
        for index in 0..<window.count { scratch[index] = window[index] }
        return Quantile.of(&scratch, quantiles[place.step])
    }
}

/// `mad_over_time`: the median of the absolute deviations from the median.
struct MedianDeviationOverTime: WindowFunction {
    func value(_ window: Span<Double>, _ place: WindowPlace) -> Double { value(window) }

    func value(_ window: Span<Double>) -> Double {
        var values: [Double] = []
        values.reserveCapacity(window.count)
        for index in 0..<window.count {
            if window[index].isNaN { return SpecialValue.notANumber }
            values.append(window[index])
        }
        let median = Quantile.of(&values, 0.5)
        for index in values.indices { values[index] = abs(values[index] - median) }
        return Quantile.of(&values, 0.5)
    }
}

/// `double_exponential_smoothing`: smoothed by one factor for the level and one for the trend.
struct DoubleExponentialSmoothing: WindowFunction {
    let smoothing: [Double]
    let trend: [Double]

    func value(_ window: Span<Double>, _ place: WindowPlace) -> Double {
        guard window.count > 1 else { return Column.absent }
        let smoothingFactor = smoothing[place.step]
        let trendFactor = trend[place.step]
        var before = 0.0
        var level = window[0]
        var slope = window[1] - window[0]
        for index in 1..<window.count {
            let scaled = smoothingFactor * window[index]
            if index > 1 { slope = trendFactor * (level - before) + (1 - trendFactor) * slope }
            let rest = (1 - smoothingFactor) * (level + slope)
            before = level
            level = scaled + rest
        }
        return level
    }
}

/// `deriv` and `predict_linear`: least squares over the window.
struct LinearRegression: WindowFunction {
    /// Seconds ahead for each step; nil asks for the slope.
    let secondsAhead: [Double]?

    func value(_ window: Span<Double>, _ place: WindowPlace) -> Double {
        guard window.count > 1 else { return Column.absent }
        guard let secondsAhead else {
            return line(window, place, origin: place.timestamp(0)).slope
        }
        let line = line(window, place, origin: place.time)
        return line.slope * secondsAhead[place.step] + line.intercept
    }

    private func line(
        _ window: Span<Double>, _ place: WindowPlace, origin: Int64
    ) -> (slope: Double, intercept: Double) {
        let first = window[0]
        var isConstant = true
        var sumX = CompensatedSum()
        var sumY = CompensatedSum()
        var sumXY = CompensatedSum()
        var sumXX = CompensatedSum()
        for index in 0..<window.count {
            let next = window[index]
            if isConstant, index > 0, next != first { isConstant = false }
            let time = Double(place.timestamp(index) &- origin) / 1e3
            sumX.add(time)
            sumY.add(next)
            sumXY.add(time * next)
            sumXX.add(time * time)
        }
        if isConstant {
            if first.isInfinite { return (SpecialValue.notANumber, SpecialValue.notANumber) }
            return (0, first)
        }
        let count = Double(window.count)
        let totalX = sumX.sum + sumX.compensation
        let totalY = sumY.sum + sumY.compensation
        let totalXY = sumXY.sum + sumXY.compensation
        let totalXX = sumXX.sum + sumXX.compensation
        let covariance = totalXY - totalX * totalY / count
        let variance = totalXX - totalX * totalX / count
        let slope = covariance / variance
        return (slope, totalY / count - slope * totalX / count)
    }
}
