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
