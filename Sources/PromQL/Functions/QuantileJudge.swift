import PromQLSyntax

/// Warns of quantiles outside 0...1.
struct QuantileJudge: Sendable {
    /// Where the quantile's expression stands.
    let range: SourceRange

    func judge(_ quantiles: [Double], _ context: QueryContext) {
        for quantile in quantiles where quantile.isNaN || quantile < 0 || quantile > 1 {
            context.warn(
                "quantile value should be between 0 and 1, got \(GoNumber.general(quantile))", at: range)
        }
    }
}
