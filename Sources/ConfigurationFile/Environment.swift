import Glibc

/// Environment variables in `external_labels`.
///
/// `$NAME`, `${NAME}`, and `$$` for a dollar. One that is not set is empty.
enum Environment {
    static func expand(_ text: String, lookUp: (String) -> String? = variable) -> String {
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var position = 0
        while position < scalars.count {
            guard scalars[position] == "$", position + 1 < scalars.count else {
                result.append(scalars[position])
                position += 1
                continue
            }
            if scalars[position + 1] == "$" {
                result.append("$")
                position += 2
                continue
            }
            let isBraced = scalars[position + 1] == "{"
            let start = position + (isBraced ? 2 : 1)
            let name = scalars[start...].prefix { isBraced ? $0 != "}" : isNameScalar($0) }
            guard !name.isEmpty, !isBraced || start + name.count < scalars.count else {
                result.append("$")
                position += 1
                continue
            }
            result.append(contentsOf: (lookUp(String(String.UnicodeScalarView(name))) ?? "").unicodeScalars)
            position = start + name.count + (isBraced ? 1 : 0)
        }
        return String(result)
    }

    private static func isNameScalar(_ scalar: UnicodeScalar) -> Bool {
        scalar == "_" || (scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)))
    }

    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
