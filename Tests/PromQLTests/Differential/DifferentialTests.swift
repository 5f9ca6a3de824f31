import MetricModel
import PromQL
import PromQLSyntax
import Storage
import TestSupport
import Testing

/// The engine against the naive evaluator: random queries over random data.
///
/// A few thousand always; `LAPWING_FUZZ_QUERIES=100000` asks for more, `LAPWING_FUZZ_SEED` for others.
@Suite("The engine and a naive evaluator agree")
struct DifferentialTests {
    private static let lanes: UInt64 = 4
    /// Queries asked of one random database.
    private static let queriesPerWorld: UInt64 = 40

    @Test("random queries have the same answer, errors and annotations", arguments: 0..<lanes)
    func agree(_ lane: UInt64) throws {
        var differences: [String] = []
        var answered = 0
        for seed in FuzzSetting.seeds(lane, of: Self.lanes, total: 2400, each: Self.queriesPerWorld) {
            let world = try RandomWorld(seed: seed)
            for index in 0..<Self.queriesPerWorld {
                let comparison = try DifferentialCase(world: world, seed: seed &* 31 &+ index)
                switch try comparison.run() {
                case .same: answered += 1
                case .bothFail: break
                case .different(let text): differences.append("seed \(seed), query \(index): \(text)")
                }
            }
        }
        #expect(differences.isEmpty, "\(differences.count) differ:\n\(differences.prefix(8).joined(separator: "\n\n"))")
        #expect(answered > 0)
    }
}

/// One query at random times with random settings, evaluated twice.
struct DifferentialCase {
    enum Outcome {
        case same
        case bothFail
        case different(String)
    }

    let world: RandomWorld
    let text: String
    let choosesElements: Bool
    let sortsSelector: Bool
    let start: Int64
    let step: Int64
    let count: Int
    let naiveSettings: NaiveEvaluator.Settings

    init(world: RandomWorld, seed: UInt64) throws {
        self.world = world
        var query = RandomQuery(seed: seed)
        text = query.text()
        choosesElements = query.choosesElements
        sortsSelector = query.sortsSelector
        var random = query.random
        start = Int64(random.below(2_400_000)) - 200_000
        let isRange = random.oneIn(2)
        step = isRange ? random.pick([15_000, 30_000, 60_000, 7_000, 1, 300_000, 997, 1_200_000]) : 0
        count = isRange ? 1 + random.below(12) : 1
        var settings = NaiveEvaluator.Settings()
        settings.lookback = random.pick([300_000, 300_000, 60_000, 20_000])
        settings.delaysNames = random.oneIn(3)
        settings.defaultStep = random.pick([60_000, 30_000])
        settings.usesStarts = random.oneIn(2)
        naiveSettings = settings
    }

    private var looksBetweenWindows: Bool { count > 1 && text.contains(")[") }

    private var end: Int64 { start + Int64(count - 1) * step }

    func run() throws -> Outcome {
        let expression = try Parser.parse(text)
        for printed in [expression.description, expression.prettyPrinted()]
        where try Parser.parse(printed) != expression {
            return different("printed as \(printed)")
        }
        let engine = engineAnswer(expression)
        let naive = naiveAnswer(expression)
        switch (engine, naive) {
        case (.failure(let error), .failure(let failure))
        where failure.isOnlyOne && error.description != failure.message:
            return different("the engine says: \(error)\n  not: \(failure.message)")
        case (.failure, .failure), (.success, .failure(.kindsMeet)), (.success, .failure(.takesTooLong)):
            return .bothFail
        // A subquery is evaluated between the windows too, where the naive evaluator does not look.
        case (.failure, .success) where looksBetweenWindows: return .bothFail
        // Range functions refuse two series of the same labels also where they have no step in common.
        case (.failure(let error), .success)
        where !naiveSettings.delaysNames && text.contains("__name__=~") && error.description.contains("same labelset"):
            return .bothFail
        // A parameter too small for a number is an error only where another step asks for elements.
        case (.failure(let error), .success) where choosesElements && error.description.contains("underflows int64"):
            return .bothFail
        // Which of equal elements were chosen decides whether two of them have the same labels.
        case (.success, .failure(let failure)) where choosesElements && failure == .sameLabels: return .bothFail
        case (.failure(let error), .success): return different("the engine says: \(error)")
        case (.success, .failure(let error)): return different("the naive evaluator says: \(error.message)")
        case (.success(let left), .success(let right)):
            var (left, right) = (left, right)
            // Where names drop late, steps with and without a name to lose make one series, which keeps what it has first.
            if count > 1, naiveSettings.delaysNames, text.contains(" or") {
                guard let namelessLeft = left.withoutNames(), let namelessRight = right.withoutNames() else {
                    return .bothFail
                }
                (left, right) = (namelessLeft, namelessRight)
            }
            // Over several steps the sides of `or` come in order of labels; the naive evaluator has one behind the other.
            if count > 1, text.contains(" or") {
                left.forgetNamesOfMixes()
                right.forgetNamesOfMixes()
            }
            // What came before the first sample read is not known to the engine.
            if text.contains("histogram_") {
                left.notes.formUnion(right.notes.filter { $0.contains("counter resets") })
            }
            if looksBetweenWindows, left.notes.isSuperset(of: right.notes) { left.notes = right.notes }
            if sortsSelector, step == 0, let unlike = left.differenceOfOrder(from: right) { return different(unlike) }
            return left.difference(from: right, choosesElements: choosesElements).map(different) ?? .same
        }
    }

    private func different(_ reason: String) -> Outcome {
        let times = step == 0 ? "at \(start)" : "from \(start) to \(end) step \(step)"
        return .different(
            "\(text)\n  \(times), lookback \(naiveSettings.lookback), subquery step \(naiveSettings.defaultStep), "
                + "\(naiveSettings.delaysNames ? "names dropped late" : "names dropped at once"), "
                + "starts \(naiveSettings.usesStarts ? "used" : "not used")\n  \(reason)")
    }

    private func engineAnswer(_ expression: Expression) -> Result<DifferentialAnswer, QueryError> {
        var settings = EngineSettings()
        settings.lookbackDeltaMilliseconds = naiveSettings.lookback
        settings.delaysNameRemoval = naiveSettings.delaysNames
        settings.defaultSubqueryStepMilliseconds = naiveSettings.defaultStep
        settings.usesStartTimestamps = naiveSettings.usesStarts
        settings.blockSeries = 3
        settings.labelsFirstSteps = 2
        let engine = QueryEngine(settings: settings)
        return Result { () throws(QueryError) in
            let querier = try querier()
            let options = QueryOptions(text: text)
            let result =
                step == 0
                ? try engine.instantQuery(
                    expression, at: Timestamp(milliseconds: start), from: querier, options: options)
                : try engine.rangeQuery(
                    expression, start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end),
                    stepMilliseconds: step, from: querier, options: options)
            return DifferentialAnswer(result)
        }
    }

    private func querier() throws(QueryError) -> any Querier {
        do {
            return try world.store.querier()
        } catch {
            throw .storage(error)
        }
    }

    private func naiveAnswer(_ expression: Expression) -> Result<DifferentialAnswer, NaiveFailure> {
        // Which pair of elements comes last, and so tells of its types, depends on the order of series.
        let series = step == 0 ? world.seriesAsStored : world.series
        let evaluator = NaiveEvaluator(
            series, naiveSettings, start: start, end: end, step: step, text: text)
        var answer = DifferentialAnswer()
        do {
            for index in 0..<count {
                let time = start + Int64(index) * step
                answer.add(try evaluator.answer(expression, at: time), at: time)
            }
        } catch let failure as NaiveFailure {
            return .failure(failure)
        } catch {
            return .failure(NaiveFailure("\(error)"))
        }
        answer.notes = DifferentialAnswer.compared(evaluator.notes)
        return .success(answer)
    }
}
