import Bytes
import MetricModel

/// Why labels of a sender are no series.
enum LabelFault: Error, CustomStringConvertible {
    case damaged
    case noMetricName
    case emptyName
    case repeatedName(String)
    case notUTF8
    case tooLong(bytes: Int, limit: Int)

    var description: String {
        switch self {
        case .damaged: "labels that cannot be read"
        case .noMetricName: "no metric name"
        case .emptyName: "a label without a name"
        case .repeatedName(let name): "label \"\(name)\" twice"
        case .notUTF8: "a label that is not UTF-8"
        case .tooLong(let bytes, let limit): "limit labelByteLimit exceeded: \(bytes) bytes of labels, \(limit) allowed"
        }
    }
}

/// Makes label sets of what stands in a request; done once for a series, not for each of its samples.
@safe struct WireLabels {
    let body: UnsafeRawBufferPointer
    let byteLimit: Int

    /// The label set of a source.
    func labels(_ source: WriteRequest.LabelSource, of request: WriteRequest, isSeries: Bool) throws(LabelFault)
        -> LabelSet
    {
        var pairs: [(name: Range<Int>, value: Range<Int>)] = []
        switch source {
        case .fields(let range):
            unsafe try read(body, range, into: &pairs)
            return unsafe try build(body, pairs, isSeries: isSeries)
        case .gathered(let range):
            return unsafe try request.gathered.withRaw { bytes throws(LabelFault) in
                unsafe try read(bytes, range, into: &pairs)
                return unsafe try build(bytes, pairs, isSeries: isSeries)
            }
        case .symbols(let range): try collect(request.symbolPairs[range], request, into: &pairs)
        case .exemplarSymbols(let range): try collect(request.exemplarPairs[range], request, into: &pairs)
        }
        return unsafe try build(body, pairs, isSeries: isSeries)
    }

    private func collect(
        _ references: ArraySlice<UInt32>, _ request: WriteRequest,
        into pairs: inout [(name: Range<Int>, value: Range<Int>)]
    ) throws(LabelFault) {
        guard references.count % 2 == 0 else { throw .damaged }
        for index in stride(from: references.startIndex, to: references.endIndex, by: 2) {
            pairs.append((request.symbols[Int(references[index])], request.symbols[Int(references[index + 1])]))
        }
    }

    /// Reads label fields; other fields between them are passed over.
    private func read(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>,
        into pairs: inout [(name: Range<Int>, value: Range<Int>)]
    ) throws(LabelFault) {
        var reader = unsafe WireReader(bytes, range: range)
        while reader.next() {
            guard reader.field == 1, reader.kind == .bytes else { continue }
            var label = reader.message
            var pair = (name: 0..<0, value: 0..<0)
            while label.next() {
                if label.field == 1, label.kind == .bytes { pair.name = label.content }
                if label.field == 2, label.kind == .bytes { pair.value = label.content }
            }
            guard label.fault == nil else { throw .damaged }
            pairs.append(pair)
        }
        guard reader.fault == nil else { throw .damaged }
    }

    private func build(
        _ bytes: UnsafeRawBufferPointer, _ all: [(name: Range<Int>, value: Range<Int>)], isSeries: Bool
    ) throws(LabelFault) -> LabelSet {
        // An empty value says that the label is not there.
        var pairs = all.filter { !$0.value.isEmpty }
        let byteCount = pairs.reduce(0) { $0 + $1.name.count + $1.value.count }
        guard byteCount <= byteLimit else { throw .tooLong(bytes: byteCount, limit: byteLimit) }
        pairs.sort { unsafe bytes[$0.name].lexicographicallyPrecedes(bytes[$1.name]) }
        var encoded: [UInt8] = []
        encoded.reserveCapacity(byteCount + 4 * pairs.count)
        var hasName = false
        for (index, pair) in pairs.enumerated() {
            guard !pair.name.isEmpty else { throw .emptyName }
            if index > 0, unsafe bytes[pair.name].elementsEqual(bytes[pairs[index - 1].name]) {
                throw .repeatedName(unsafe String(decoding: bytes[pair.name], as: UTF8.self))
            }
            if unsafe bytes[pair.name].elementsEqual(LabelName.metricName.utf8) { hasName = true }
            for part in [pair.name, pair.value] {
                guard unsafe isUTF8(UnsafeRawBufferPointer(rebasing: bytes[part])) else { throw .notUTF8 }
                VarInt.append(UInt64(part.count), to: &encoded)
                unsafe encoded.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[part]))
            }
        }
        guard hasName || !isSeries else { throw .noMetricName }
        return LabelSet(encoded: encoded)
    }

    private func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe String(validating: bytes, as: UTF8.self) != nil
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` for bodies with typed errors.
    func withRaw<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let result = unsafe withUnsafeBytes { bytes in
            Result { () throws(Failure) in unsafe try body(bytes) }
        }
        return try result.get()
    }
}
