internal import CYAML

/// Reads one document with libyaml's parser.
@safe package struct YAMLComposer: ~Copyable {
    /// How deep lists and mappings may nest.
    package static let depthLimit = 200
    /// The most nodes that a document has when every alias is written out; a few lines could name billions.
    package static let nodeLimit = 2_000_000

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private var anchors: [String: (node: YAMLNode, nodeCount: Int)] = [:]
    /// Nodes read so far, those of aliases included.
    private var nodeCount = 0
    private var depth = 0

    /// The document of a text, nil where it has none.
    ///
    /// More than one document is an error.
    package static func compose(_ text: String) throws(YAMLError) -> YAMLNode? {
        let (root, later) = try composeFirst(text)
        if let later { throw YAMLError(reason: .severalDocuments, mark: later) }
        return root
    }

    /// The first document of a text, nil where it has none, and where a second one begins that is not read.
    package static func composeFirst(_ text: String) throws(YAMLError) -> (root: YAMLNode?, later: YAMLMark?) {
        var copy = text
        // A mark at the start says nothing in UTF-8.
        if copy.unicodeScalars.first == "\u{feff}" { copy.unicodeScalars.removeFirst() }
        let result = copy.withUTF8 { bytes in
            Result { () throws(YAMLError) -> (root: YAMLNode?, later: YAMLMark?) in
                var composer = unsafe try YAMLComposer(bytes)
                return try composer.document()
            }
        }
        return try result.get()
    }

    private init(_ bytes: UnsafeBufferPointer<UInt8>) throws(YAMLError) {
        unsafe parser = .allocate(capacity: 1)
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            throw YAMLError(reason: .syntax("out of memory"), mark: YAMLMark(line: 1, column: 1))
        }
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
    }

    // MARK: Events

    private mutating func document() throws(YAMLError) -> (root: YAMLNode?, later: YAMLMark?) {
        _ = try next()
        guard case .documentStart = try next() else { return (nil, nil) }
        let root = try node(of: try next())
        _ = try next()
        if case .documentStart(let mark) = try next() { return (root, mark) }
        return (root, nil)
    }

    /// An event with what is needed of it.
    private enum Event {
        case streamStart
        case streamEnd
        case documentStart(YAMLMark)
        case documentEnd
        case alias(String, YAMLMark)
        case scalar(YAMLNode.Scalar, anchor: String?)
        case sequenceStart(isFlow: Bool, anchor: String?, YAMLMark)
        case mappingStart(isFlow: Bool, anchor: String?, YAMLMark)
        case collectionEnd(YAMLMark)
    }

    private func next() throws(YAMLError) -> Event {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { unsafe yaml_event_delete(&event) }
        let mark = unsafe Self.mark(event.start_mark)
        switch unsafe event.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_DOCUMENT_START_EVENT: return .documentStart(mark)
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT: return .alias(unsafe Self.text(event.data.alias.anchor) ?? "", mark)
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let style = unsafe Self.style(scalar.style)
            return .scalar(
                YAMLNode.Scalar(unsafe String(decoding: bytes, as: UTF8.self), style: style, mark: mark),
                anchor: unsafe Self.text(scalar.anchor))
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe event.data.sequence_start
            return .sequenceStart(
                isFlow: unsafe start.style == YAML_FLOW_SEQUENCE_STYLE, anchor: unsafe Self.text(start.anchor), mark)
        case YAML_MAPPING_START_EVENT:
            let start = unsafe event.data.mapping_start
            return .mappingStart(
                isFlow: unsafe start.style == YAML_FLOW_MAPPING_STYLE, anchor: unsafe Self.text(start.anchor), mark)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return .collectionEnd(mark)
        default: return .streamEnd
        }
    }

    private static func mark(_ mark: yaml_mark_t) -> YAMLMark {
        YAMLMark(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private static func text(_ bytes: UnsafeMutablePointer<UInt8>?) -> String? {
        guard let bytes = unsafe bytes else { return nil }
        return unsafe String(cString: bytes)
    }

    private static func style(_ style: yaml_scalar_style_t) -> YAMLNode.Style {
        switch style {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE: .literal
        case YAML_FOLDED_SCALAR_STYLE: .folded
        default: .plain
        }
    }

    private func failure() -> YAMLError {
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "cannot be read"
        return YAMLError(reason: .syntax(problem), mark: unsafe Self.mark(parser.pointee.problem_mark))
    }

    // MARK: Nodes

    private mutating func node(of event: Event) throws(YAMLError) -> YAMLNode {
        let before = nodeCount
        let node: YAMLNode
        let name: String?
        switch event {
        case .alias(let anchor, let mark): return try aliased(anchor, mark)
        case .scalar(let scalar, let anchor):
            try count(1, at: scalar.mark)
            (node, name) = (.scalar(scalar), anchor)
        case .sequenceStart(let isFlow, let anchor, let mark):
            try descend(at: mark)
            (node, name) = (.sequence(YAMLNode.Sequence(try elements(), isFlow: isFlow, mark: mark)), anchor)
            depth -= 1
        case .mappingStart(let isFlow, let anchor, let mark):
            try descend(at: mark)
            (node, name) = (.mapping(YAMLNode.Mapping(try pairs(), isFlow: isFlow, mark: mark)), anchor)
            depth -= 1
        case .collectionEnd(let mark): throw YAMLError(reason: .syntax("an end without a start"), mark: mark)
        case .streamStart, .streamEnd, .documentStart, .documentEnd:
            throw YAMLError(reason: .syntax("the text ends too early"), mark: YAMLMark(line: 1, column: 1))
        }
        if let name { anchors[name] = (node, nodeCount - before) }
        return node
    }

    private mutating func count(_ added: Int, at mark: YAMLMark) throws(YAMLError) {
        nodeCount += added
        guard nodeCount <= Self.nodeLimit else {
            throw YAMLError(reason: .limit(name: "YAMLComposer.nodeLimit", limit: Self.nodeLimit), mark: mark)
        }
    }

    private mutating func descend(at mark: YAMLMark) throws(YAMLError) {
        try count(1, at: mark)
        depth += 1
        guard depth <= Self.depthLimit else {
            throw YAMLError(reason: .limit(name: "YAMLComposer.depthLimit", limit: Self.depthLimit), mark: mark)
        }
    }

    private mutating func aliased(_ name: String, _ mark: YAMLMark) throws(YAMLError) -> YAMLNode {
        guard let anchor = anchors[name] else { throw YAMLError(reason: .unknownAnchor(name), mark: mark) }
        try count(anchor.nodeCount, at: mark)
        return anchor.node
    }

    private mutating func elements() throws(YAMLError) -> [YAMLNode] {
        var elements: [YAMLNode] = []
        while true {
            let event = try next()
            if case .collectionEnd = event { return elements }
            elements.append(try node(of: event))
        }
    }

    private mutating func pairs() throws(YAMLError) -> [YAMLNode.Mapping.Pair] {
        var pairs: [YAMLNode.Mapping.Pair] = []
        var known: Set<String> = []
        while true {
            let event = try next()
            if case .collectionEnd = event { return pairs }
            let key = try node(of: event)
            if let text = key.text, !known.insert(text).inserted {
                throw YAMLError(reason: .duplicateKey(text), mark: key.mark)
            }
            pairs.append(YAMLNode.Mapping.Pair(key: key, value: try node(of: try next())))
        }
    }
}
