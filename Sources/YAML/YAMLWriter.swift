internal import CYAML

/// Writes a node as text with libyaml's emitter, in the style in which it was read.
@safe package struct YAMLWriter: ~Copyable {
    private let emitter: UnsafeMutablePointer<yaml_emitter_t>
    private let output = Output()

    /// What the emitter has written.
    private final class Output {
        var bytes: [UInt8] = []
    }

    /// The text of a document; nil where it cannot be written, which means that memory is short.
    package static func write(_ node: YAMLNode) -> String? {
        guard let writer = YAMLWriter() else { return nil }
        guard writer.emitDocument(node) else { return nil }
        return String(decoding: writer.output.bytes, as: UTF8.self)
    }

    private init?() {
        unsafe emitter = .allocate(capacity: 1)
        guard unsafe yaml_emitter_initialize(emitter) == 1 else {
            unsafe emitter.deallocate()
            return nil
        }
        // The writer holds its output for as long as the emitter lives.
        unsafe yaml_emitter_set_output(
            emitter,
            { context, bytes, count in
                guard let context = unsafe context, let bytes = unsafe bytes else { return 0 }
                let output = unsafe Unmanaged<Output>.fromOpaque(context).takeUnretainedValue()
                unsafe output.bytes.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
                return 1
            }, Unmanaged.passUnretained(output).toOpaque())
        unsafe yaml_emitter_set_unicode(emitter, 1)
        unsafe yaml_emitter_set_width(emitter, -1)
    }

    deinit {
        unsafe yaml_emitter_delete(emitter)
        unsafe emitter.deallocate()
    }

    private func emitDocument(_ node: YAMLNode) -> Bool {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) == 1,
            unsafe yaml_emitter_emit(emitter, &event) == 1,
            unsafe yaml_document_start_event_initialize(&event, nil, nil, nil, 1) == 1,
            unsafe yaml_emitter_emit(emitter, &event) == 1,
            emit(node),
            unsafe yaml_document_end_event_initialize(&event, 1) == 1,
            unsafe yaml_emitter_emit(emitter, &event) == 1,
            unsafe yaml_stream_end_event_initialize(&event) == 1,
            unsafe yaml_emitter_emit(emitter, &event) == 1
        else { return false }
        return unsafe yaml_emitter_flush(emitter) == 1
    }

    private func emit(_ node: YAMLNode) -> Bool {
        var event = unsafe yaml_event_t()
        switch node {
        case .scalar(let scalar): return emit(scalar)
        case .sequence(let sequence):
            let style = sequence.isFlow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE
            guard unsafe yaml_sequence_start_event_initialize(&event, nil, nil, 1, style) == 1,
                unsafe yaml_emitter_emit(emitter, &event) == 1,
                sequence.elements.allSatisfy({ emit($0) }),
                unsafe yaml_sequence_end_event_initialize(&event) == 1
            else { return false }
        case .mapping(let mapping):
            let style = mapping.isFlow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE
            guard unsafe yaml_mapping_start_event_initialize(&event, nil, nil, 1, style) == 1,
                unsafe yaml_emitter_emit(emitter, &event) == 1,
                mapping.pairs.allSatisfy({ emit($0.key) && emit($0.value) }),
                unsafe yaml_mapping_end_event_initialize(&event) == 1
            else { return false }
        }
        return unsafe yaml_emitter_emit(emitter, &event) == 1
    }

    private func emit(_ scalar: YAMLNode.Scalar) -> Bool {
        var event = unsafe yaml_event_t()
        var text = scalar.text
        let isMade = text.withUTF8 { bytes in
            // A text without bytes still needs an address.
            var nothing: UInt8 = 0
            return unsafe withUnsafePointer(to: &nothing) { empty in
                unsafe yaml_scalar_event_initialize(
                    &event, nil, nil, bytes.baseAddress ?? empty, Int32(bytes.count), 1, 1, Self.style(scalar.style))
            }
        }
        guard isMade == 1 else { return false }
        return unsafe yaml_emitter_emit(emitter, &event) == 1
    }

    private static func style(_ style: YAMLNode.Style) -> yaml_scalar_style_t {
        switch style {
        case .plain: YAML_PLAIN_SCALAR_STYLE
        case .singleQuoted: YAML_SINGLE_QUOTED_SCALAR_STYLE
        case .doubleQuoted: YAML_DOUBLE_QUOTED_SCALAR_STYLE
        case .literal: YAML_LITERAL_SCALAR_STYLE
        case .folded: YAML_FOLDED_SCALAR_STYLE
        }
    }
}
