import MetricModel
import Remote
import Scraping

/// `/scrape_pools/config` and `/targets/relabel_steps`: what a job is told to do, and what that makes of labels.
struct ScrapePoolEndpoints: Sendable {
    let scraping: ScrapeManager
    let status: any ServerStatus

    func configuration(_ request: APIRequest) throws(APIError) -> APIResponse {
        let pool = try pool(request)
        guard let text = status.scrapePoolText(pool) else { throw Self.unknown(pool) }
        return .success { writer in
            writer.object {
                $0.key("yaml")
                $0.string(text)
            }
        }
    }

    func relabelSteps(_ request: APIRequest) throws(APIError) -> APIResponse {
        let pool = try pool(request)
        let labels = try Self.labels(request)
        guard let relabeler = scraping.targetRelabeling(of: pool) else { throw Self.unknown(pool) }
        return Self.steps(of: relabeler, from: labels)
    }

    /// The labels after each rule; once one drops them they are gone for the rest.
    static func steps(of relabeler: Relabeler, from labels: LabelSet) -> APIResponse {
        var current: LabelSet? = labels
        var steps: [(rule: RelabelRule, output: LabelSet?)] = []
        for rule in relabeler.rules {
            current = current.flatMap { Relabeler([rule]).apply(to: $0) }
            steps.append((rule, current))
        }
        return .success { writer in
            writer.object {
                $0.key("steps")
                $0.array(of: steps) { writer, step in
                    writer.object {
                        $0.key("rule")
                        $0.rule(step.rule)
                        $0.key("output")
                        $0.labels(step.output ?? .empty)
                        $0.key("keep")
                        $0.boolean(step.output != nil)
                    }
                }
            }
        }
    }

    private func pool(_ request: APIRequest) throws(APIError) -> String {
        guard let pool = request.parameters["scrapePool"] else {
            throw APIError(.badData, "no scrapePool parameter provided")
        }
        return pool
    }

    private static func unknown(_ pool: String) -> APIError {
        APIError(.badData, "scrape pool \(LabelName.quoted(pool)) not found")
    }

    /// The parameter `labels`: a JSON object of texts.
    static func labels(_ request: APIRequest) throws(APIError) -> LabelSet {
        guard let text = request.parameters["labels"] else { throw APIError(.badData, "no labels parameter provided") }
        let value: JSONValue
        do {
            value = try JSONReader.read(Array(text.utf8))
        } catch {
            throw APIError(.badData, "error parsing labels: \(error)")
        }
        var labels: [(name: String, value: String)] = []
        for member in value.members ?? [] {
            guard case .string(let text) = member.value else {
                throw APIError(
                    .badData, "error parsing labels: the value of \(LabelName.quoted(member.name)) is no text")
            }
            labels.append((name: member.name, value: text))
        }
        guard value.members != nil else { throw APIError(.badData, "error parsing labels: not an object") }
        return LabelSet(labels)
    }
}

extension JSONWriter {
    /// A rule of relabelling with the fields that it has.
    fileprivate mutating func rule(_ rule: RelabelRule) {
        object {
            if !rule.sourceLabels.isEmpty {
                $0.key("sourceLabels")
                $0.array(of: rule.sourceLabels) { $0.string($1) }
            }
            $0.key("separator")
            $0.string(rule.separator)
            $0.key("regex")
            $0.string(rule.regex.source)
            if rule.modulus > 0 {
                $0.key("modulus")
                $0.integer(rule.modulus)
            }
            if !rule.targetLabel.isEmpty {
                $0.key("targetLabel")
                $0.string(rule.targetLabel)
            }
            $0.key("replacement")
            $0.string(rule.replacement)
            $0.key("action")
            $0.string(rule.action.rawValue)
        }
    }
}
