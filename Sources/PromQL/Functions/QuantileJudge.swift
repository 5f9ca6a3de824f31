import PromQLSyntax

/// Warns of quantiles outside 0...1.
struct QuantileJudge: Sendable {
    /// Where the quantile's expression stands.
    let range: SourceRange
    /// The call or aggregation that it is a parameter of.
    let speaker: SourceRange

    /// The same for an aggregation, which tells of all steps only NaN and the farthest value on each side.
    func judgeFarthest(_ quantiles: [Double], _ context: QueryContext) {
        let numbers = quantiles.filter { !$0.isNaN }
        let farthest = [numbers.max(), numbers.min()].compactMap { $0 }
        judge(quantiles.filter(\.isNaN).prefix(1) + farthest, context)
    }

    func judge(_ quantiles: [Double], _ context: QueryContext) {
        for quantile in quantiles where quantile.isNaN || quantile < 0 || quantile > 1 {
            context.warn(
                "quantile value should be between 0 and 1, got \(GoNumber.general(quantile))", at: range,
                by: speaker)
        }
    }
}
