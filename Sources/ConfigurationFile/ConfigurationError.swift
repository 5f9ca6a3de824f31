/// What is wrong in a file, and where: `prometheus.yml:12:5: scrape_configs[0].scrape_interval: …`.
package struct ConfigurationError: Error, Hashable, Sendable {
    package var file: String
    /// From 1; 0 where the whole file is meant.
    package var line: Int
    package var column: Int
    /// The way to the value, such as `scrape_configs[0].job_name`; empty for the whole file.
    package var path: String
    /// What was found and what was expected.
    package var message: String

    package init(file: String, line: Int = 0, column: Int = 0, path: String = "", message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.path = path
        self.message = message
    }
}

extension ConfigurationError: CustomStringConvertible {
    package var description: String {
        let place = line > 0 ? "\(file):\(line):\(column)" : file
        return path.isEmpty ? "\(place): \(message)" : "\(place): \(path): \(message)"
    }
}
