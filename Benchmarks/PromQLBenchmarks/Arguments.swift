import Glibc

/// `--name value` pairs of the command line.
struct Arguments {
    private var values: [String: String] = [:]

    init(_ words: some Sequence<String>) {
        var name: String?
        for word in words {
            if let known = name {
                values[known] = word
                name = nil
            } else {
                name = word
            }
        }
    }

    func text(_ name: String) -> String? { values[name] }

    func number(_ name: String, default fallback: Double) -> Double { values[name].flatMap(Double.init) ?? fallback }

    /// The lines of `--queries FILE`, or the standard ones.
    func queryLines() throws -> [String] {
        guard let path = values["--queries"] else { return BenchmarkQuery.standard }
        guard let file = unsafe fopen(path, "r") else { throw Unreadable(path: path) }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        while true {
            let byte = unsafe getc(file)
            if byte == EOF { break }
            bytes.append(UInt8(truncatingIfNeeded: byte))
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    struct Unreadable: Error { let path: String }

    /// Removes a folder with all that is in it.
    static func remove(_ folder: String) {
        if let listing = unsafe opendir(folder) {
            while let entry = unsafe readdir(listing) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                    unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                if name != ".", name != ".." { remove(folder + "/" + name) }
            }
            unsafe closedir(listing)
        }
        _ = unsafe Glibc.remove(folder)
    }
}

/// Numbers in columns.
enum Text {
    static func fixed(_ value: Double, _ digits: Int, width: Int = 0) -> String {
        var power = 1.0
        for _ in 0..<digits { power *= 10 }
        let scaled = Int((value * power).rounded())
        let whole = scaled / Int(power)
        let rest = String(scaled % Int(power))
        return right("\(whole)." + String(repeating: "0", count: max(0, digits - rest.count)) + rest, width)
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
