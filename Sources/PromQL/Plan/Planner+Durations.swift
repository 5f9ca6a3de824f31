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
            throw first
        }
    }

    /// A node is looked at before what is below it, and of a subquery the offset, then the step, then the window.
    private func firstDurationFault(in expression: Expression) -> QueryError? {
        var found: QueryError?
        expression.walk { node in
            if found != nil { return }
            do throws(QueryError) {
                switch node {
                case .vectorSelector(let selector): _ = try offset(selector.offset)
                case .matrixSelector(let matrix): _ = try length(matrix.window)
                case .subquery(let subquery):
                    _ = try offset(subquery.offset)
                    if let step = subquery.step { _ = try length(step) }
                    _ = try length(subquery.window)
                default: break
                }
            } catch {
                found = error
            }
        }
        return found
    }
}
