import PromQLSyntax

/// Durations that depend on the times of the query, and what is told where they cannot be.
extension Planner {
    /// A window's or a step's length in milliseconds.
    func length(_ duration: DurationValue) throws(QueryError) -> Int64 {
        do {
            return try resolver.positiveMilliseconds(duration)
        } catch {
            throw .syntax(error)
        }
    }

    /// An offset in milliseconds, zero where there is none.
    func offset(_ duration: DurationValue?) throws(QueryError) -> Int64 {
        guard let duration else { return 0 }
        do {
            return try resolver.milliseconds(duration)
        } catch {
            throw .syntax(error)
        }
    }

    /// Makes the plan of an expression.
    ///
    /// Where that fails and a duration in it is at fault, tells the one that Prometheus comes upon first: it looks at durations
    /// before anything else.
    func plan<Plan>(
        _ expression: Expression, _ make: () throws(QueryError) -> Plan
    ) throws(QueryError) -> Plan {
        do throws(QueryError) {
            return try make()
        } catch {
            guard let first = firstDurationFault(in: expression) else { throw error }
            throw .syntax(first)
        }
    }

    /// A node is looked at before what is below it, of a subquery the offset, then the step, then the window, of a range the window
    /// before the offset.
    private func firstDurationFault(in expression: Expression) -> SyntaxError? {
        var found: SyntaxError?
        expression.walk { node in
            if found != nil { return }
            do throws(SyntaxError) {
                switch node {
                case .vectorSelector(let selector):
                    if let offset = selector.offset { _ = try resolver.milliseconds(offset) }
                case .matrixSelector(let matrix):
                    _ = try resolver.positiveMilliseconds(matrix.window)
                    if let offset = matrix.selector.offset { _ = try resolver.milliseconds(offset) }
                case .subquery(let subquery):
                    if let offset = subquery.offset { _ = try resolver.milliseconds(offset) }
                    if let step = subquery.step { _ = try resolver.positiveMilliseconds(step) }
                    _ = try resolver.positiveMilliseconds(subquery.window)
                default: break
                }
            } catch {
                found = error
            }
        }
        return found
    }
}
