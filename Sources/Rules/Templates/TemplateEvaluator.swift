import MetricModel

/// Walks the nodes of one template and writes its text, counting steps, output and queries against the limits.
struct TemplateEvaluator {
    private enum Flow { case next, breakLoop, continueLoop }

    private let template: Template
    private let environment: TemplateEnvironment
    private var variables: [(name: String, value: TemplateValue)] = []
    private var output: [UInt8] = []
    private var steps = 0
    private var queries = 0
    private var depth = 0

    init(_ template: Template, _ environment: TemplateEnvironment) {
        self.template = template
        self.environment = environment
    }

    mutating func run(_ data: TemplateValue, variables: [(String, TemplateValue)]) throws(TemplateError) -> String {
        self.variables = [("$", data)] + variables.map { (name: $0.0, value: $0.1) }
        _ = try walk(template.nodes, data)
        return String(decoding: output, as: UTF8.self)
    }

    // MARK: Limits

    private mutating func step() throws(TemplateError) {
        steps += 1
        guard steps <= environment.limits.steps else {
            throw TemplateError("more than \(environment.limits.steps) steps (limit steps)")
        }
    }

    private mutating func descend() throws(TemplateError) {
        depth += 1
        guard depth <= environment.limits.depth else {
            throw TemplateError("nested deeper than \(environment.limits.depth) (limit depth)")
        }
    }

    private mutating func write(_ bytes: some Collection<UInt8>) throws(TemplateError) {
        guard output.count + bytes.count <= environment.limits.outputBytes else {
            throw TemplateError("text grows beyond \(environment.limits.outputBytes) bytes (limit outputBytes)")
        }
        output.append(contentsOf: bytes)
    }

    // MARK: Nodes

    private mutating func walk(_ nodes: [TemplateNode], _ dot: TemplateValue) throws(TemplateError) -> Flow {
        try descend()
        defer { depth -= 1 }
        for node in nodes {
            try step()
            let flow = try walk(node, dot)
            guard flow == .next else { return flow }
        }
        return .next
    }

    private mutating func walk(_ node: TemplateNode, _ dot: TemplateValue) throws(TemplateError) -> Flow {
        switch node {
        case .text(let bytes):
            try write(bytes)
            return .next
        case .action(let pipeline):
            let value = try evaluate(pipeline, dot)
            if pipeline.variables.isEmpty { try print(value) }
            return .next
        case .conditional(let pipeline, let then, let otherwise):
            let mark = variables.count
            defer { variables.removeLast(variables.count - mark) }
            let isTrue = try evaluate(pipeline, dot).isTrue
            return try walk(isTrue ? then : otherwise, dot)
        case .with(let pipeline, let then, let otherwise):
            let mark = variables.count
            defer { variables.removeLast(variables.count - mark) }
            let value = try evaluate(pipeline, dot)
            return value.isTrue ? try walk(then, value) : try walk(otherwise, dot)
        case .range(let pipeline, let body, let otherwise):
            return try walkRange(pipeline, body, otherwise, dot)
        case .template(let name, let argument, let position):
            try call(name, argument, position, dot)
            return .next
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
    }

    private mutating func print(_ value: TemplateValue) throws(TemplateError) {
        // A missing entry of a map prints `<no value>` in Go; with Prometheus' option missingkey=zero it is nothing.
        if case .null = value { return try write("<no value>".utf8) }
        try write(GoFormat.plain(value).utf8)
    }

    private mutating func walkRange(
        _ pipeline: TemplatePipeline, _ body: [TemplateNode], _ otherwise: [TemplateNode], _ dot: TemplateValue
    ) throws(TemplateError) -> Flow {
        let mark = variables.count
        defer { variables.removeLast(variables.count - mark) }
        var plain = pipeline
        plain.variables = []
        let elements = try entries(of: try evaluate(plain, dot), at: pipeline.position)
        guard !elements.isEmpty else { return try walk(otherwise, dot) }
        for (key, value) in elements {
            try step()
            let inner = variables.count
            defer { variables.removeLast(variables.count - inner) }
            let values = pipeline.variables.count > 1 ? [key, value] : [value]
            for (name, bound) in zip(pipeline.variables, values) {
                if pipeline.isAssignment { assign(name, bound) } else { variables.append((name, bound)) }
            }
            if try walk(body, value) == .breakLoop { break }
        }
        return .next
    }

    private func entries(
        of value: TemplateValue, at position: Int
    ) throws(TemplateError) -> [(TemplateValue, TemplateValue)] {
        switch value {
        case .null: return []
        case .list(let values): return values.enumerated().map { (.integer(Int64($0.offset)), $0.element) }
        case .strings(let values):
            let sorted = values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            return sorted.map { (.string($0.key), .string($0.value)) }
        case .map(let values):
            let sorted = values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            return sorted.map { (.string($0.key), $0.value) }
        case .integer(let count):
            guard count <= Int64(environment.limits.steps) else { throw TemplateError("range over \(count) numbers") }
            return (0..<max(0, count)).map { (.integer($0), .integer($0)) }
        default:
            throw TemplateError("range can't iterate over \(value.typeName)", at: position, in: template.source)
        }
    }

    private mutating func call(
        _ name: String, _ argument: TemplatePipeline?, _ position: Int, _ dot: TemplateValue
    ) throws(TemplateError) {
        guard let nodes = template.definitions[name] else {
            throw TemplateError(
                "template \(LabelName.quoted(name)) not defined", at: position, in: template.source)
        }
        let data: TemplateValue = if let argument { try evaluate(argument, dot) } else { .null }
        // A called template sees its own data only, not the caller's variables.
        let outer = variables
        variables = [("$", data)]
        _ = try walk(nodes, data)
        variables = outer
    }

    private mutating func assign(_ name: String, _ value: TemplateValue) {
        if let index = variables.lastIndex(where: { $0.name == name }) { variables[index].value = value }
    }

    // MARK: Pipelines

    private mutating func evaluate(
        _ pipeline: TemplatePipeline, _ dot: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        try descend()
        defer { depth -= 1 }
        var value: TemplateValue?
        for command in pipeline.commands {
            try step()
            do {
                value = try evaluate(command, dot, last: value)
            } catch {
                throw error.located(at: command.position, in: template.source)
            }
        }
        let result = value ?? .null
        for name in pipeline.variables {
            if pipeline.isAssignment { assign(name, result) } else { variables.append((name, result)) }
        }
        return result
    }

    private mutating func evaluate(
        _ command: TemplateCommand, _ dot: TemplateValue, last: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        guard let first = command.operands.first else { return .null }
        let arguments = command.operands.dropFirst()
        switch first {
        case .function(let name):
            guard let function = TemplateFunction(rawValue: name) else {
                throw TemplateError("function \(name) not defined")
            }
            return try call(function, arguments, dot, last: last)
        case .fields(let names): return try walkFields(names, from: dot, dot, arguments, last)
        case .chain(let pipeline, let names):
            return try walkFields(names, from: try evaluate(pipeline, dot), dot, arguments, last)
        case .variable(let name, let names) where !names.isEmpty:
            return try walkFields(names, from: variable(name), dot, arguments, last)
        default:
            guard arguments.isEmpty, last == nil else {
                throw TemplateError("can't give argument to non-function")
            }
            return try evaluate(first, dot)
        }
    }

    private mutating func evaluate(
        _ operand: TemplateOperand, _ dot: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        try step()
        switch operand {
        case .dot: return dot
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(value)
        case .float(let value): return .float(value)
        case .string(let text): return .string(text)
        case .function(let name):
            guard let function = TemplateFunction(rawValue: name) else {
                throw TemplateError("function \(name) not defined")
            }
            return try call(function, [], dot, last: nil)
        case .fields(let names): return try walkFields(names, from: dot, dot, [], nil)
        case .variable(let name, let names): return try walkFields(names, from: variable(name), dot, [], nil)
        case .pipeline(let pipeline): return try evaluate(pipeline, dot)
        case .chain(let pipeline, let names):
            return try walkFields(names, from: try evaluate(pipeline, dot), dot, [], nil)
        }
    }

    private func variable(_ name: String) -> TemplateValue {
        variables.last { $0.name == name }?.value ?? .null
    }

    /// Walks fields, map entries and methods; arguments go to the last one, which then must be a method.
    private mutating func walkFields(
        _ names: [String], from start: TemplateValue, _ dot: TemplateValue, _ arguments: ArraySlice<TemplateOperand>,
        _ last: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        var current = start
        for (index, name) in names.enumerated() {
            let isLast = index == names.count - 1
            switch current {
            case .strings(let values): current = .string(values[name] ?? "")
            case .map(let values): current = values[name] ?? .null
            case .record(let fields):
                guard let value = fields[name] else {
                    throw TemplateError("can't evaluate field \(name): there is none of that name")
                }
                current = value
            case .time, .duration:
                var values: [TemplateValue] = []
                if isLast { for operand in arguments { values.append(try evaluate(operand, dot)) } }
                if isLast, let last { values.append(last) }
                guard let value = try GoTime.call(name, on: current, values) else {
                    throw TemplateError("can't evaluate field \(name) in type \(current.typeName)")
                }
                current = value
                if isLast { return current }
            default: throw TemplateError("can't evaluate field \(name) in type \(current.typeName)")
            }
        }
        guard names.isEmpty || (arguments.isEmpty && last == nil) else {
            throw TemplateError("\(names.last ?? "field") has arguments but cannot be invoked as function")
        }
        return current
    }

    // MARK: Functions

    private mutating func call(
        _ function: TemplateFunction, _ operands: ArraySlice<TemplateOperand>, _ dot: TemplateValue,
        last: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        let count = operands.count + (last == nil ? 0 : 1)
        guard function.arity.contains(count) else {
            throw TemplateError("wrong number of args for \(function.rawValue): got \(count)")
        }
        // These two stop at the first argument that decides.
        if function == .and || function == .or {
            var value = TemplateValue.null
            for operand in operands {
                value = try evaluate(operand, dot)
                if value.isTrue == (function == .or) { return value }
            }
            return last ?? value
        }
        var values: [TemplateValue] = []
        for operand in operands { values.append(try evaluate(operand, dot)) }
        if let last { values.append(last) }
        let arguments = TemplateArguments(function: function, values: values)
        switch function {
        case .query: return try query(try arguments.string(0))
        case .not, .eq, .ne, .lt, .le, .gt, .ge, .len, .index, .slice, .print, .printf, .println, .html, .js, .urlquery:
            return try TemplateBuiltins.call(arguments)
        case .humanize, .humanize1024, .humanizeDuration, .humanizePercentage, .humanizeTimestamp, .toTime,
            .toDuration, .now, .parseDuration:
            return try TemplateNumbers.call(arguments, now: environment.now)
        default: return try TemplateText.call(arguments, externalURL: environment.externalURL)
        }
    }

    private mutating func query(_ expression: String) throws(TemplateError) -> TemplateValue {
        queries += 1
        guard queries <= environment.limits.queries else {
            throw TemplateError("more than \(environment.limits.queries) queries (limit queries)")
        }
        return .list(try environment.query(expression).map(\.templateValue))
    }
}
