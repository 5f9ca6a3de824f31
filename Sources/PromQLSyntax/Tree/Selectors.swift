package import MetricModel

/// Series by name and matchers, with the modifiers that say when and how their samples are taken.
package struct VectorSelector: Hashable, Sendable {
    /// The name written before the braces, or as a bare string inside them; empty where there is none.
    package var name: String
    /// All matchers, the one made from the name (last) included.
    package var matchers: [LabelMatcher]
    package var offset: DurationValue?
    package var at: AtModifier?
    package var boundary: RangeBoundary
    @IgnoredInEquality package var range: SourceRange

    package init(
        name: String = "", matchers: [LabelMatcher], offset: DurationValue? = nil, at: AtModifier? = nil,
        boundary: RangeBoundary = .plain, range: SourceRange
    ) {
        self.name = name
        self.matchers = matchers
        self.offset = offset
        self.at = at
        self.boundary = boundary
        self.range = range
    }
}

extension VectorSelector {
    /// The order of matchers means nothing.
    package static func == (left: VectorSelector, right: VectorSelector) -> Bool {
        left.name.isExactly(right.name) && left.offset == right.offset && left.at == right.at
            && left.boundary == right.boundary
            && (left.matchers == right.matchers || left.sortedMatchers == right.sortedMatchers)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(sortedMatchers)
    }

    private var sortedMatchers: [String] { matchers.map(\.description).sorted() }
}

/// The samples of a selector over a window of time, as in `selector[5m]`.
///
/// The modifiers stand in the selector.
package struct MatrixSelector: Hashable, Sendable {
    package var selector: VectorSelector
    package var window: DurationValue
    @IgnoredInEquality package var range: SourceRange

    package init(_ selector: VectorSelector, window: DurationValue, range: SourceRange) {
        self.selector = selector
        self.window = window
        self.range = range
    }
}

/// An instant vector evaluated over a window of time: `expression[1h:5m]`.
package struct Subquery: Hashable, Sendable {
    package var operand: Expression
    package var window: DurationValue
    /// Nil means the engine's default step.
    package var step: DurationValue?
    package var offset: DurationValue?
    package var at: AtModifier?
    @IgnoredInEquality package var range: SourceRange

    package init(
        _ operand: Expression, window: DurationValue, step: DurationValue? = nil, offset: DurationValue? = nil,
        at: AtModifier? = nil, range: SourceRange
    ) {
        self.operand = operand
        self.window = window
        self.step = step
        self.offset = offset
        self.at = at
        self.range = range
    }
}

/// The time of `@`: fixed, or the start or end of the query.
package enum AtModifier: Hashable, Sendable {
    case timestamp(Timestamp)
    case start
    case end
}

/// What stands at the boundaries of a selector's window.
package enum RangeBoundary: String, Hashable, Sendable {
    /// Only the samples inside.
    case plain
    /// The newest sample at or before the left boundary counts as standing on it.
    case anchored
    /// Values at the boundaries are interpolated.
    case smoothed
}
