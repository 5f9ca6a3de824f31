/// Reads the tokens of a template into nodes and checks what Go checks when it parses: that functions, variables and
/// blocks exist and are closed.
struct TemplateParser {
    /// What ended a list of nodes.
    private enum End: Hashable {
        case endOfText
        case end
        /// `{{else}}`
        case otherwise
        /// `{{else if …}}` and `{{else with …}}`: the parser stands behind the keyword named.
        case otherwiseBlock(String)
    }

    private let source: [UInt8]
    private let items: [TemplateLexer.Item]
    private let depthLimit: Int
    private var index = 0
    private var depth = 0
    private var loopDepth = 0
    private var variables: [String]
    private(set) var definitions: [String: [TemplateNode]] = [:]

    init(source: [UInt8], variables: [String], limits: TemplateLimits) throws(TemplateError) {
        guard source.count <= limits.sourceBytes else {
            throw TemplateError("template has \(source.count) bytes, limit sourceBytes is \(limits.sourceBytes)")
        }
        self.source = source
        self.variables = variables
        depthLimit = limits.depth
        items = try TemplateLexer.tokens(of: source)
    }

    mutating func parse() throws(TemplateError) -> [TemplateNode] {
        let (nodes, end) = try parseNodes()
        guard end == .endOfText else { throw error("unexpected {{\(end == .end ? "end" : "else")}}", at: index - 1) }
        return nodes
    }

    // MARK: Tokens

    private var token: TemplateToken? { index < items.count ? items[index].token : nil }
    private var position: Int { index < items.count ? items[index].position : source.count }

    private func error(_ message: String, at item: Int? = nil) -> TemplateError {
        let item = item ?? index
        return TemplateError(
            message, at: items.indices.contains(item) ? items[item].position : source.count, in: source)
    }

    private mutating func skipSpaces() { while token == .space { index += 1 } }

    private mutating func expectRightDelimiter(_ context: String) throws(TemplateError) {
        skipSpaces()
        guard token == .rightDelimiter else { throw error("unexpected token in \(context)") }
        index += 1
    }

    private mutating func descend() throws(TemplateError) {
        depth += 1
        guard depth <= depthLimit else { throw error("nested deeper than \(depthLimit)") }
    }

    // MARK: Nodes

    private mutating func parseNodes() throws(TemplateError) -> ([TemplateNode], End) {
        try descend()
        defer { depth -= 1 }
        var nodes: [TemplateNode] = []
        while let current = token {
            if case .text(let bytes) = current {
                nodes.append(.text(bytes))
                index += 1
                continue
            }
            // Everything outside of text starts with the left delimiter.
            index += 1
            skipSpaces()
            guard case .word(let word) = token else {
                nodes.append(.action(try parsePipeline(until: .rightDelimiter)))
                continue
            }
            if let end = try parseEnd(word) { return (nodes, end) }
            if let node = try parseKeyword(word) { nodes.append(contentsOf: node) }
        }
        return (nodes, .endOfText)
    }

    private mutating func parseEnd(_ word: String) throws(TemplateError) -> End? {
        switch word {
        case "end":
            index += 1
            try expectRightDelimiter("end")
            return .end
        case "else":
            index += 1
            skipSpaces()
            if case .word(let next) = token, next == "if" || next == "with" {
                index += 1
                return .otherwiseBlock(next)
            }
            try expectRightDelimiter("else")
            return .otherwise
        default: return nil
        }
    }

    /// The nodes of an action that starts with a word; none for a definition.
    private mutating func parseKeyword(_ word: String) throws(TemplateError) -> [TemplateNode]? {
        switch word {
        case "if", "with", "range":
            index += 1
            return [try parseBlock(word)]
        case "define":
            index += 1
            let name = try parseName("define")
            try expectRightDelimiter("define clause")
            try parseDefinition(name)
            return nil
        case "block":
            let start = position
            index += 1
            let name = try parseName("block")
            let argument = try parsePipeline(until: .rightDelimiter)
            try parseDefinition(name)
            return [.template(name: name, argument: argument, position: start)]
        case "template":
            let start = position
            index += 1
            let name = try parseName("template")
            skipSpaces()
            guard token != .rightDelimiter else {
                index += 1
                return [.template(name: name, argument: nil, position: start)]
            }
            return [
                .template(name: name, argument: try parsePipeline(until: .rightDelimiter), position: start)
            ]
        case "break", "continue":
            guard loopDepth > 0 else { throw error("{{\(word)}} outside {{range}}") }
            index += 1
            try expectRightDelimiter(word)
            return [word == "break" ? .breakLoop : .continueLoop]
        default: return [.action(try parsePipeline(until: .rightDelimiter))]
        }
    }

    private mutating func parseName(_ context: String) throws(TemplateError) -> String {
        skipSpaces()
        guard case .string(let name) = token else { throw error("\(context) needs a quoted name") }
        index += 1
        return name
    }

    private mutating func parseDefinition(_ name: String) throws(TemplateError) {
        let outerVariables = variables
        let outerLoops = loopDepth
        variables = ["$"]
        loopDepth = 0
        let start = index
        let (nodes, end) = try parseNodes()
        guard end == .end else { throw error("unclosed definition of \(name)", at: start) }
        variables = outerVariables
        loopDepth = outerLoops
        definitions[name] = nodes
    }

    private mutating func parseBlock(_ kind: String) throws(TemplateError) -> TemplateNode {
        let outer = variables.count
        defer { variables.removeLast(variables.count - outer) }
        let start = index - 1
        let pipeline = try parsePipeline(until: .rightDelimiter, isRange: kind == "range")
        if kind == "range" { loopDepth += 1 }
        var (body, end) = try parseNodes()
        if kind == "range" { loopDepth -= 1 }
        var otherwise: [TemplateNode] = []
        switch end {
        case .endOfText: throw error("unclosed {{\(kind)}}", at: start)
        case .end: break
        case .otherwise:
            (otherwise, end) = try parseNodes()
            guard end == .end else { throw error("expected end; found another else", at: start) }
        case .otherwiseBlock(let next):
            guard next == kind else { throw error("unexpected {{else \(next)}} in \(kind)") }
            try descend()
            otherwise = [try parseBlock(next)]
            depth -= 1
        }
        switch kind {
        case "if": return .conditional(pipeline, then: body, otherwise: otherwise)
        case "with": return .with(pipeline, then: body, otherwise: otherwise)
        default: return .range(pipeline, body: body, otherwise: otherwise)
        }
    }

    // MARK: Pipelines

    private mutating func parsePipeline(
        until closing: TemplateToken, isRange: Bool = false
    ) throws(TemplateError) -> TemplatePipeline {
        try descend()
        defer { depth -= 1 }
        skipSpaces()
        var pipeline = TemplatePipeline(position: position)
        try parseDeclaration(into: &pipeline, isRange: isRange)
        while true {
            skipSpaces()
            guard let current = token else { throw error("unclosed action") }
            if current == closing {
                index += 1
                break
            }
            pipeline.commands.append(try parseCommand(closing))
            skipSpaces()
            if token == .pipe {
                index += 1
                skipSpaces()
                guard token != closing, token != .pipe else { throw error("missing command in pipeline") }
            } else if token != closing {
                throw error("unexpected token in operand")
            }
        }
        guard !pipeline.commands.isEmpty else { throw error("missing value", at: index - 1) }
        for command in pipeline.commands.dropFirst() {
            guard let first = command.operands.first else { continue }
            switch first {
            case .bool, .dot, .null, .integer, .float, .string:
                throw TemplateError("non executable command in pipeline", at: command.position, in: source)
            default: break
            }
        }
        // What is declared is known from here on, not inside its own pipeline.
        if !pipeline.isAssignment { variables.append(contentsOf: pipeline.variables) }
        return pipeline
    }

    private mutating func parseDeclaration(into pipeline: inout TemplatePipeline, isRange: Bool) throws(TemplateError) {
        let start = index
        guard case .variable(let first) = token else { return }
        index += 1
        skipSpaces()
        var names = [first]
        if isRange, token == .comma {
            index += 1
            skipSpaces()
            guard case .variable(let second) = token else { throw error("range can only initialize variables") }
            names.append(second)
            index += 1
            skipSpaces()
        }
        switch token {
        case .declare: pipeline.variables = names
        case .assign:
            for name in names where !variables.contains(name) {
                throw error("undefined variable \(name)", at: start)
            }
            pipeline.variables = names
            pipeline.isAssignment = true
        default:
            index = start
            return
        }
        index += 1
    }

    private mutating func parseCommand(_ closing: TemplateToken) throws(TemplateError) -> TemplateCommand {
        var command = TemplateCommand(operands: [], position: position)
        while true {
            skipSpaces()
            if token == closing || token == .pipe || token == nil { break }
            command.operands.append(try parseOperand())
            // Operands stand apart from each other.
            guard token == .space || token == closing || token == .pipe else {
                throw error("unexpected token in operand")
            }
        }
        return command
    }

    private mutating func parseOperand() throws(TemplateError) -> TemplateOperand {
        let start = index
        guard let current = token else { throw error("unclosed action") }
        index += 1
        switch current {
        case .dot: return .dot
        case .string(let text): return .string(text)
        case .integer(let value): return .integer(value)
        case .float(let value): return .float(value)
        case .field(let name): return .fields([name] + takeFields())
        case .variable(let name):
            guard variables.contains(name) else { throw error("undefined variable \"\(name)\"", at: start) }
            return .variable(name, fields: takeFields())
        case .word("true"): return .bool(true)
        case .word("false"): return .bool(false)
        case .word("nil"): return .null
        case .word(let name):
            guard TemplateFunction(rawValue: name) != nil else {
                throw error("function \"\(name)\" not defined", at: start)
            }
            return .function(name)
        case .leftParenthesis:
            let pipeline = try parsePipeline(until: .rightParenthesis)
            guard pipeline.variables.isEmpty else { throw error("declaration inside parentheses", at: start) }
            let fields = takeFields()
            return fields.isEmpty ? .pipeline(pipeline) : .chain(pipeline, fields: fields)
        default: throw error("unexpected token in command", at: start)
        }
    }

    private mutating func takeFields() -> [String] {
        var fields: [String] = []
        while case .field(let name) = token {
            fields.append(name)
            index += 1
        }
        return fields
    }
}
