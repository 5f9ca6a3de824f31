internal import CColumns
import MetricModel

/// `deriv` and `predict_linear`: least squares over the window.
struct LinearRegression: OctetFunction {
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
        if isConstant(window) {
            return first.isInfinite ? (SpecialValue.notANumber, SpecialValue.notANumber) : (0, first)
        }
        var sumX = CompensatedSum()
        var sumY = CompensatedSum()
        var sumXY = CompensatedSum()
        var sumXX = CompensatedSum()
        for index in 0..<window.count {
            let next = window[index]
            let time = Double(place.timestamp(index) &- origin) / 1e3
            sumX.add(time)
            sumY.add(next)
            sumXY.add(time * next)
            sumXX.add(time * time)
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

    /// Whether all values are equal; NaN equals nothing.
    private func isConstant(_ window: Span<Double>) -> Bool {
        for index in 1..<max(window.count, 1) where window[index] != window[0] { return false }
        return true
    }

    func evaluate(_ octet: WindowOctet, _ input: RangeInput, into results: inout [Double]) -> UInt32 {
        let column = octet.values.span
        let times = input.columns.clock.timestamps
        let offset = input.columns.clockOffset
        var origins = InlineArray<8, Int64>(repeating: 0)
        var left: UInt32 = 0
        for lane in 0..<WindowOctet.lanes {
            let window = Int(octet.first[lane])..<Int(octet.end[lane])
            let firstTime = times[offset + window.lowerBound]
            origins[lane] = secondsAhead == nil ? firstTime : input.timeline.time(at: octet.step + lane)
            // Constant values, one alone, and times that are too far apart.
            let isFar = [firstTime, times[offset + window.upperBound - 1]].contains {
                ($0 &- origins[lane]).magnitude >= Self.farMilliseconds
            }
            if isFar || isConstant(column.extracting(window)) { left |= 1 << UInt32(lane) }
        }
        if left == WindowOctet.all { return left }
        var intercepts = InlineArray<8, Double>(repeating: 0)
        let doubtful = lines(octet, times[offset...], origins, &results, &intercepts)
        if let secondsAhead {
            for lane in 0..<WindowOctet.lanes {
                results[lane] = results[lane] * secondsAhead[octet.step + lane] + intercepts[lane]
            }
        }
        return left | doubtful
    }

    /// Milliseconds from an origin that are exact as numbers, sums included.
    private static let farMilliseconds: UInt64 = 1 << 50

    private func lines(
        _ octet: WindowOctet, _ times: ArraySlice<Int64>, _ origins: InlineArray<8, Int64>, _ slopes: inout [Double],
        _ intercepts: inout InlineArray<8, Double>
    ) -> UInt32 {
        var intercepts = intercepts.mutableSpan
        return unsafe times.withUnsafeBufferPointer { times in
            unsafe origins.span.withUnsafeBufferPointer { origins in
                unsafe intercepts.withUnsafeMutableBufferPointer { intercepts in
                    guard let times = times.baseAddress, let origins = origins.baseAddress,
                        let intercepts = intercepts.baseAddress
                    else { return WindowOctet.all }
                    return unsafe ccolumns_lines(
                        octet.values, times, octet.first, octet.end, origins, &slopes, intercepts)
                }
            }
        }
    }
}
