/// Finds what a misspelt word probably meant.
package enum NearestWord {
    /// The nearest of the words, nil where none is near.
    package static func nearest(to text: String, among words: some Sequence<String>) -> String? {
        guard text.utf8.count <= 200 else { return nil }
        let scored = words.map { (word: $0, distance: distance($0, text)) }
        guard let best = scored.min(by: { ($0.distance, $0.word) < ($1.distance, $1.word) }) else { return nil }
        return best.distance <= max(2, text.count / 3) ? best.word : nil
    }

    /// Edits from one text to the other (Wagner and Fischer 1974).
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (index, byte) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let replaced = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
