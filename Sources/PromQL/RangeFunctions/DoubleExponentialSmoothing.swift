internal import CColumns
import MetricModel

/// `double_exponential_smoothing`: smoothed by one factor for the level and one for the trend.
struct DoubleExponentialSmoothing: OctetFunction {
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

    func evaluate(_ octet: WindowOctet, _ input: RangeInput, into results: inout [Double]) -> UInt32 {
        let steps = octet.step..<octet.step + WindowOctet.lanes
        return unsafe smoothing[steps].withUnsafeBufferPointer { smoothing in
            unsafe trend[steps].withUnsafeBufferPointer { trend in
                guard let smoothing = smoothing.baseAddress, let trend = trend.baseAddress else {
                    return WindowOctet.all
                }
                return unsafe ccolumns_smooth_windows(
                    octet.values, octet.first, octet.end, smoothing, trend, &results)
            }
        }
    }
}
