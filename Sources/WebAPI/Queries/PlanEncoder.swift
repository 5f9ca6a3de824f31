import PromQL

extension JSONWriter {
    /// A plan as a tree of objects.
    mutating func plan(_ node: PlanNode) {
        object { writer in
            writer.key("expression")
            writer.string(node.expression)
            writer.key("series")
            writer.integer(node.series)
            writer.key("samples")
            writer.integer(node.samples)
            writer.key("samplesRead")
            writer.integer(node.samplesRead)
            writer.key("bytes")
            writer.integer(node.bytes)
            writer.key("seconds")
            writer.number(node.seconds)
            writer.key("repeated")
            writer.boolean(node.isRepeated)
            writer.key("children")
            writer.array(of: node.children) { $0.plan($1) }
        }
    }
}
