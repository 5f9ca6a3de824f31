#if LAPWING_FUZZING
    import Glibc

    /// What libFuzzer calls; `FUZZ_TARGET` names the reader.
    private let target: FuzzTarget = {
        let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
        guard let target = FuzzTarget(rawValue: name) else {
            fatalError("FUZZ_TARGET is one of \(FuzzTarget.allCases.map(\.rawValue))")
        }
        return target
    }()

    @_cdecl("LLVMFuzzerTestOneInput")
    func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        target.run(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
        return 0
    }

    /// Writes the seeds to the folder in `FUZZ_SEEDS` before anything runs.
    @_cdecl("LLVMFuzzerInitialize")
    func initialize(_ count: UnsafeMutableRawPointer?, _ words: UnsafeMutableRawPointer?) -> CInt {
        guard let folder = unsafe getenv("FUZZ_SEEDS").map({ unsafe String(cString: $0) }) else { return 0 }
        for (number, seed) in target.seeds.enumerated() {
            guard let file = unsafe fopen(folder + "/seed-\(number)", "w") else { continue }
            _ = unsafe seed.withUnsafeBytes { unsafe fwrite($0.baseAddress, 1, $0.count, file) }
            unsafe fclose(file)
        }
        return 0
    }
#endif
