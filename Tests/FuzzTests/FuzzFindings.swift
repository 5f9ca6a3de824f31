/// Inputs on which a reader once trapped or lost its way, with what it was.
enum FuzzFindings {
    static let all: [(FuzzTarget, [UInt8])] = []
}
