internal import CColumns
import MetricModel

/// `stddev_over_time` and `stdvar_over_time`: population variance after Welford, compensated.
struct VarianceOverTime: OctetFunction {
    let takesRoot: Bool

    func value(_ window: Span<Double>, _ place: WindowPlace) -> Double {
        var count = 0.0
        var mean = CompensatedSum()
        var squares = CompensatedSum()
        for index in 0..<window.count {
            let next = window[index]
            count += 1
            let delta = next - (mean.sum + mean.compensation)
            mean.add(delta / count)
            squares.add(delta * (next - (mean.sum + mean.compensation)))
        }
        let variance = (squares.sum + squares.compensation) / count
        return takesRoot ? variance.squareRoot() : variance
    }

    func evaluate(_ octet: WindowOctet, _ input: RangeInput, into results: inout [Double]) -> UInt32 {
        let left = unsafe ccolumns_variances(octet.values, octet.first, octet.end, &results)
        if takesRoot { for lane in results.indices { results[lane] = results[lane].squareRoot() } }
        return left
    }
}
