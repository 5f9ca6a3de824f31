import MetricModel
import Storage

/// Finds the series that match label matchers, in any index.
///
/// A label that a series does not have counts as empty. So a matcher that does not match the empty string needs the
/// series of the values it matches, and one that does takes away the series of the values it does not match.
enum MatcherResolution {
    /// The series that match all matchers; all series where there are none.
    static func resolve(_ matchers: [LabelMatcher], in source: some PostingsSource) throws(StorageError) -> Postings {
        // Equalities first: they are cheap, and when nothing is left the expressions need not be tried.
        let ordered = matchers.filter { $0.kind == .equal } + matchers.filter { $0.kind != .equal }
        var found: Postings?
        var excluded: [Postings] = []
        for matcher in ordered {
            if found?.isEmpty == true { return .empty }
            if matcher.matchesEmpty {
                guard !matchesEverything(matcher) else { continue }
                excluded.append(try postings(of: matcher, wantsMatching: false, in: source))
            } else {
                let matching = try postings(of: matcher, wantsMatching: true, in: source)
                found = found?.intersection(matching) ?? matching
            }
        }
        var result = found ?? source.allSeries
        for set in excluded { result = result.subtracting(set) }
        return result
    }

    private static func matchesEverything(_ matcher: LabelMatcher) -> Bool {
        matcher.kind == .regex && RegexShortcuts(matcher.value).shape == .anything
    }

    /// The series that have the label, with a value that the matcher matches or, the other way round, does not match.
    private static func postings(
        of matcher: LabelMatcher, wantsMatching: Bool, in source: some PostingsSource
    ) throws(StorageError) -> Postings {
        let isPositive = matcher.kind == .equal || matcher.kind == .regex
        // Whether the values asked for are those that the text or the expression itself describes.
        let wantsDescribed = isPositive == wantsMatching
        switch matcher.kind {
        case .equal, .notEqual:
            if wantsDescribed {
                return matcher.value.isEmpty ? .empty : try source.postings(matcher.name, matcher.value)
            }
            let value = Array(matcher.value.utf8)
            return try unsafe source.union(of: matcher.name, prefix: "") { bytes in unsafe !bytes.elementsEqual(value) }
        case .regex, .notRegex:
            return try regexPostings(of: matcher, wantsDescribed: wantsDescribed, in: source)
        }
    }

    private static func regexPostings(
        of matcher: LabelMatcher, wantsDescribed: Bool, in source: some PostingsSource
    ) throws(StorageError) -> Postings {
        guard let pattern = matcher.pattern else { return .empty }
        let shortcuts = RegexShortcuts(matcher.value)
        if case .alternatives(let values) = shortcuts.shape, wantsDescribed {
            var sets: [Postings] = []
            for value in values where !value.isEmpty { sets.append(try source.postings(matcher.name, value)) }
            return Postings.union(sets)
        }
        return try unsafe source.union(of: matcher.name, prefix: wantsDescribed ? shortcuts.prefix : "") { bytes in
            (unsafe shortcuts.matches(bytes, otherwise: pattern)) == wantsDescribed
        }
    }
}

// MARK: Labels

extension MatcherResolution {
    /// The series that match any of the selectors; all series where there is none.
    static func resolveAny(
        _ selectors: [[LabelMatcher]], in source: some PostingsSource
    ) throws(StorageError) -> Postings {
        if selectors.isEmpty { return source.allSeries }
        var sets: [Postings] = []
        for matchers in selectors { sets.append(try resolve(matchers, in: source)) }
        return Postings.union(sets)
    }
}
