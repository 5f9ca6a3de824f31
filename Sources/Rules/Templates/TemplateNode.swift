/// A node of a parsed template: text, or what stands between `{{` and `}}`.
indirect enum TemplateNode: Sendable {
    case text([UInt8])
    case action(TemplatePipeline)
    case conditional(TemplatePipeline, then: [TemplateNode], otherwise: [TemplateNode])
    case with(TemplatePipeline, then: [TemplateNode], otherwise: [TemplateNode])
    case range(TemplatePipeline, body: [TemplateNode], otherwise: [TemplateNode])
    case template(name: String, argument: TemplatePipeline?, position: Int)
    case breakLoop
    case continueLoop
}

/// `$name := command | command`: each command's value is the last argument of the next.
struct TemplatePipeline: Sendable {
    var variables: [String] = []
    /// `=` instead of `:=`.
    var isAssignment = false
    var commands: [TemplateCommand] = []
    var position = 0
}

/// A function with its arguments, or a single operand.
struct TemplateCommand: Sendable {
    var operands: [TemplateOperand]
    /// The byte of the source where the command starts.
    var position: Int
}

indirect enum TemplateOperand: Sendable {
    case dot
    case null
    case bool(Bool)
    case integer(Int64)
    case float(Double)
    case string(String)
    case function(String)
    /// `.Labels.job`: a walk from the dot.
    case fields([String])
    /// `$labels.job`
    case variable(String, fields: [String])
    case pipeline(TemplatePipeline)
    /// `(pipeline).Field`
    case chain(TemplatePipeline, fields: [String])
}
