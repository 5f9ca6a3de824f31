/// Where something begins in a text, both numbers counted from 1.
package struct YAMLMark: Sendable, Hashable {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// A YAML document as it is written: texts, lists and mappings with their positions.
///
/// What a plain text means (a number, a truth, nothing) is for the reader to say. An alias is the node that its anchor
/// names.
package indirect enum YAMLNode: Sendable, Hashable {
    /// How a text is written.
    package enum Style: Sendable, Hashable {
        case plain
        case singleQuoted
        case doubleQuoted
        /// With `|`.
        case literal
        /// With `>`.
        case folded
    }

    package struct Scalar: Sendable, Hashable {
        package var text: String
        package var style: Style
        package var mark: YAMLMark

        package init(_ text: String, style: Style = .plain, mark: YAMLMark = YAMLMark(line: 0, column: 0)) {
            self.text = text
            self.style = style
            self.mark = mark
        }
    }

    package struct Sequence: Sendable, Hashable {
        package var elements: [YAMLNode]
        /// Whether it is written in brackets.
        package var isFlow: Bool
        package var mark: YAMLMark

        package init(_ elements: [YAMLNode], isFlow: Bool, mark: YAMLMark) {
            self.elements = elements
            self.isFlow = isFlow
            self.mark = mark
        }
    }

    package struct Mapping: Sendable, Hashable {
        package struct Pair: Sendable, Hashable {
            package var key: YAMLNode
            package var value: YAMLNode

            package init(key: YAMLNode, value: YAMLNode) {
                self.key = key
                self.value = value
            }
        }

        /// In the order of the text.
        package var pairs: [Pair]
        /// Whether it is written in braces.
        package var isFlow: Bool
        package var mark: YAMLMark

        package init(_ pairs: [Pair], isFlow: Bool, mark: YAMLMark) {
            self.pairs = pairs
            self.isFlow = isFlow
            self.mark = mark
        }
    }

    case scalar(Scalar)
    case sequence(Sequence)
    case mapping(Mapping)

    package var mark: YAMLMark {
        switch self {
        case .scalar(let scalar): scalar.mark
        case .sequence(let sequence): sequence.mark
        case .mapping(let mapping): mapping.mark
        }
    }

    /// The text of a scalar.
    package var text: String? { if case .scalar(let scalar) = self { scalar.text } else { nil } }
}
