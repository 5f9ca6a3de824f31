/// A line of a script that is not in the language of scripts.
struct ScriptError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
