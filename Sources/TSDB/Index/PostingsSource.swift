import Storage

/// An index from labels to series numbers: that of the head, that of a partition.
///
/// A source is asked by one thread at a time; whoever shares an index hands out a source per use or locks it.
protocol PostingsSource {
    /// All label names, in any order, each once.
    func labelNames() throws(StorageError) -> [String]

    /// All values of a label, in any order, each once; empty where no series has it.
    func values(of name: String) throws(StorageError) -> [String]

    /// The series that have the label with this value; empty where there is none.
    func postings(_ name: String, _ value: String) throws(StorageError) -> Postings

    /// The series that have the label with a value that starts with `prefix` and for which `isIncluded` is true.
    ///
    /// The bytes are valid during the call only. The default goes through `values(of:)`; an index that can walk its
    /// values as bytes, or in order, does better.
    func union(
        of name: String, prefix: String, where isIncluded: (UnsafeRawBufferPointer) -> Bool
    ) throws(StorageError) -> Postings

    /// Every series.
    var allSeries: Postings { get }
}

extension PostingsSource {
    func union(
        of name: String, prefix: String, where isIncluded: (UnsafeRawBufferPointer) -> Bool
    ) throws(StorageError) -> Postings {
        var sets: [Postings] = []
        for var value in try values(of: name) {
            let isWanted = value.withUTF8 { bytes in
                let raw = UnsafeRawBufferPointer(bytes)
                return unsafe raw.starts(with: prefix.utf8) && isIncluded(raw)
            }
            if isWanted { sets.append(try postings(name, value)) }
        }
        return Postings.union(sets)
    }
}
