/// Of several errors of one operator the one that Prometheus tells.
///
/// It goes through the steps one after the other, and through what is wrong at a step in an order of its own.
struct EarliestFault {
    /// Where an error stands among all: at a step first what is checked before, then what comes first.
    struct Place: Comparable {
        var step: Int
        var stage = 0
        var order = 0

        static func < (left: Place, right: Place) -> Bool {
            (left.step, left.stage, left.order) < (right.step, right.stage, right.order)
        }
    }

    private var first: (place: Place, error: QueryError)?

    /// Whether an error there would be told.
    func isEarlier(_ place: Place) -> Bool { first.map { place < $0.place } ?? true }

    mutating func note(_ error: QueryError, at place: Place) {
        if isEarlier(place) { first = (place, error) }
    }

    func throwIfAny() throws(QueryError) {
        if let first { throw first.error }
    }
}
