import CShippedRules
package import ConfigurationFile
package import Rules

/// The rules of the folder `rules/`, carried inside the binary and loaded where no configuration file is given.
package enum ShippedRules {
    package static func read() throws(ConfigurationError) -> [RuleFileContents] {
        var files: [RuleFileContents] = []
        let table = unsafe cshipped_rule_table()
        for index in 0..<Int(cshipped_rule_count) {
            let entry = unsafe table[index]
            let bytes = unsafe Array(UnsafeBufferPointer(start: entry.bytes, count: entry.length))
            files.append(try RuleFileReader.read(bytes, path: unsafe String(cString: entry.path)))
        }
        return files
    }
}
