/// Finds what a misspelt word probably meant.
package enum NearestWord {
    /// Words beyond this are not looked at: the work grows with the square of their length.
    private static let lengthLimit = 200

    /// The nearest of the words, nil where none is within a third of the word's length.
    ///
    /// Letters are compared without case. Of equally near words one that was begun is meant: `rat` is `rate`, not `rad`.
    /// - Parameter leastReach: The number of mistakes that short words may have.
    package static func nearest(
        to text: String, among words: some Sequence<String>, leastReach: Int = 2
    ) -> String? {
        guard text.utf8.count <= lengthLimit else { return nil }
        let begun = text.lowercased()
        let letters = Array(begun.utf8)
        let scored = words.map { word in
            (word: word, distance: distance(letters, Array(word.utf8)), rank: word.hasPrefix(begun) ? 0 : 1)
        }
        guard let best = scored.min(by: { ($0.distance, $0.rank, $0.word) < ($1.distance, $1.rank, $1.word) }) else {
            return nil
        }
        return best.distance <= max(leastReach, letters.count / 3) ? best.word : nil
    }

    /// Damerau's distance, restricted to neighbours: insertions, deletions, replacements and swaps.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforePrevious = [Int](repeating: 0, count: right.count + 1)
        var previous = Array(0...right.count)
        for (row, leftByte) in left.enumerated() {
            var line = [row + 1] + [Int](repeating: 0, count: right.count)
            for (column, rightByte) in right.enumerated() {
                let replaced = previous[column] + (leftByte == rightByte ? 0 : 1)
                line[column + 1] = min(replaced, previous[column + 1] + 1, line[column] + 1)
                if row > 0, column > 0, leftByte == right[column - 1], left[row - 1] == rightByte {
                    line[column + 1] = min(line[column + 1], beforePrevious[column - 1] + 1)
                }
            }
            beforePrevious = previous
            previous = line
        }
        return previous[right.count]
    }
}
