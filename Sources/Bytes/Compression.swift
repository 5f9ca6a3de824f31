/// What can be wrong with compressed bytes.
package enum CompressionError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Format: String, Sendable { case gzip, zstd, snappy }

    /// The bytes are not valid in the format, or end too early.
    case corrupt(Format)
    /// More bytes come out than the caller allows. `declaredBytes` is what the data says of itself, where it does.
    case tooLarge(Format, limitBytes: Int, declaredBytes: UInt64?)
    /// The library could not get memory.
    case outOfMemory(Format)

    package var description: String {
        switch self {
        case .corrupt(let format): "the \(format.rawValue) data is damaged or ends too early"
        case .tooLarge(let format, let limitBytes, .some(let declaredBytes)):
            "the \(format.rawValue) data holds \(declaredBytes) bytes, more than the limit of \(limitBytes)"
        case .tooLarge(let format, let limitBytes, nil):
            "the \(format.rawValue) data holds more than the limit of \(limitBytes) bytes"
        case .outOfMemory(let format): "no memory for a \(format.rawValue) context"
        }
    }
}

/// Compression of whole runs of bytes.
///
/// All results are appended to the caller's array.
///
/// Decompressing takes a limit, and no more memory than the limit is ever asked for, whatever the data claims.
package enum Compression {
    /// Appends what a C function writes into room at the end of `output`, at most `capacity` bytes.
    ///
    /// `write` gets the room and returns how much of it it used, nil when it failed; then nothing is appended.
    @discardableResult
    static func append(
        to output: inout [UInt8], capacity: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int?
    ) -> Bool {
        var isDone = false
        output.append(addingCapacity: capacity) { room in
            unsafe room.withUnsafeMutableBufferPointer { buffer, initializedCount in
                let written = unsafe write(UnsafeMutableRawBufferPointer(buffer))
                initializedCount = min(written ?? 0, buffer.count)
                isDone = written != nil
            }
        }
        return isDone
    }
}
