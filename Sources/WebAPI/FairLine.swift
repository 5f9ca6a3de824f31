/// Elements that wait in line, a line for each caller, and are taken from the lines in turn.
///
/// Whoever asks a thousand times does not keep one who asks once waiting for all of them.
struct FairLine<Element> {
    private struct Line {
        /// Those that were taken are nil: what they hold is theirs who took them.
        var elements: [Element?] = []
        /// Of `elements` those that were taken already.
        var taken = 0
    }

    private var lines: [String: Line] = [:]
    /// The callers that have elements, the next one to be served last.
    private var turns: [String] = []
    private(set) var count = 0

    /// - Complexity: O(callers) where the caller had none in line.
    mutating func append(_ element: Element, of caller: String) {
        if lines[caller] == nil { turns.insert(caller, at: 0) }
        lines[caller, default: Line()].elements.append(element)
        count += 1
    }

    /// The next one, nil where nobody waits.
    /// - Complexity: O(callers)
    mutating func next() -> Element? {
        guard let caller = turns.popLast(), var line = lines.removeValue(forKey: caller) else { return nil }
        let element = line.elements[line.taken].take()
        line.taken += 1
        count -= 1
        guard line.taken < line.elements.count else { return element }
        if line.taken >= 1024 {
            line.elements.removeFirst(line.taken)
            line.taken = 0
        }
        lines[caller] = line
        turns.insert(caller, at: 0)
        return element
    }

    /// All that wait, in the order of their turns.
    mutating func removeAll() -> [Element] {
        var all: [Element] = []
        while let element = next() { all.append(element) }
        return all
    }
}
