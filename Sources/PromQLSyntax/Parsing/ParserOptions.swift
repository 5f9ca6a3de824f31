/// What the parser accepts beyond the stable language, and how much.
///
/// Duration expressions are part of the stable language.
package struct ParserOptions: Sendable {
    /// Prometheus' flag `promql-experimental-functions`.
    package var allowsExperimentalFunctions: Bool
    /// Prometheus' flag `promql-extended-range-selectors`.
    package var allowsExtendedRangeSelectors: Bool
    /// Prometheus' flag `promql-binop-fill-modifiers`.
    package var allowsFillModifiers: Bool

    package init(
        allowsExperimentalFunctions: Bool, allowsExtendedRangeSelectors: Bool, allowsFillModifiers: Bool
    ) {
        self.allowsExperimentalFunctions = allowsExperimentalFunctions
        self.allowsExtendedRangeSelectors = allowsExtendedRangeSelectors
        self.allowsFillModifiers = allowsFillModifiers
    }

    /// Everything.
    package static let all = ParserOptions(
        allowsExperimentalFunctions: true, allowsExtendedRangeSelectors: true, allowsFillModifiers: true)

    /// What Prometheus accepts without flags.
    package static let stable = ParserOptions(
        allowsExperimentalFunctions: false, allowsExtendedRangeSelectors: false, allowsFillModifiers: false)

    /// The longest text that is parsed, in bytes.
    package static let textLimitBytes = 256 << 10
    /// How deep parentheses, calls, signs and powers may stand in each other; the parser recurses once a level.
    package static let nestingLimit = 200
    /// How many operators and subqueries a query may have.
    ///
    /// A chain makes a tree as high as it is long, and whoever walks a tree recurses once a level.
    package static let operationLimit = 500
}
