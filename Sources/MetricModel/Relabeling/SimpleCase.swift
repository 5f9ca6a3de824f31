/// Upper and lower case scalar by scalar, as Go's `strings.ToUpper` and `ToLower` do it.
///
/// Swift maps whole texts (`ß` becomes `SS`); Unicode's simple mapping, which the reference uses, never changes the
/// number of scalars. A scalar whose full mapping is longer keeps its titlecase form where that is one scalar (the
/// Greek letters with iota subscript), else it stays as it is.
enum SimpleCase {
    static func lowercased(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            // The one scalar with a longer full lower case: capital I with dot above.
            result.append(scalar.value == 0x130 ? "i" : single(scalar.properties.lowercaseMapping) ?? scalar)
        }
        return String(result)
    }

    static func uppercased(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let mapped = single(scalar.properties.uppercaseMapping) ?? single(scalar.properties.titlecaseMapping)
            result.append(mapped ?? scalar)
        }
        return String(result)
    }

    private static func single(_ mapping: String) -> Unicode.Scalar? {
        let scalars = mapping.unicodeScalars
        return scalars.count == 1 ? scalars.first : nil
    }
}
