#if !LAPWING_FUZZING
    import TestSupport
    import Testing

    /// What fuzzing does for minutes, in a second: each seed cut, joined and changed in ways that are the same every time.
    @Suite("Mutated input")
    struct MutationTests {
        @Test("no reader of bytes traps on seeds that were changed", arguments: FuzzTarget.allCases)
        func mutations(target: FuzzTarget) {
            let seeds = target.seeds
            var state: UInt64 = 0x9e37_79b9_7f4a_7c15
            func below(_ limit: Int) -> Int {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                return Int(state % UInt64(max(1, limit)))
            }
            for seed in seeds { target.run(seed) }
            // A page of the machine or of cgroups is made of forty files and more each time.
            let rounds = target == .machine || target == .cgroups ? 40 : 400
            for seed in seeds.prefix(rounds / 10) {
                for length in stride(from: 0, to: seed.count, by: 1 + seed.count * 10 / rounds) {
                    target.run(Array(seed[..<length]))
                }
            }
            for _ in 0..<rounds {
                var bytes = seeds[below(seeds.count)]
                for _ in 0...below(6) {
                    let place = below(bytes.count)
                    switch below(6) {
                    case 0 where !bytes.isEmpty: bytes[place] ^= UInt8(1 << below(8))
                    case 1 where !bytes.isEmpty: bytes[place] = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x5c, 0x0a][below(8)]
                    case 2: bytes.insert(UInt8(below(256)), at: min(place, bytes.count))
                    case 3 where !bytes.isEmpty: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(8)))
                    case 4: bytes += seeds[below(seeds.count)].prefix(below(60))
                    default:
                        let end = min(bytes.count, place + 10)
                        bytes.insert(contentsOf: [UInt8](repeating: 0xff, count: 9), at: end)
                    }
                }
                target.run(bytes)
            }
        }

        @Test("each of the collector's files is read: with nothing in it the page is another")
        func everyFileIsRead() {
            #expect(CgroupFiles.all.count < 256)
            func page(_ file: CgroupFiles.File) -> [Substring] {
                String(decoding: CgroupFiles.page(file.tree), as: UTF8.self).split(separator: "\n").filter {
                    !$0.contains("lapwing_collector_") && !$0.contains("container_last_seen")
                        && !$0.contains("container_creation_time")
                }
            }
            // CPU time by processor and its sum are never both shown.
            for file in CgroupFiles.all where !file.path.hasSuffix("/cpuacct.usage") {
                let whole = page(file)
                file.tree.folder.write(file.path, "")
                let isAnother = page(file) != whole
                #expect(isAnother, "\(file.path)")
                file.tree.folder.write(file.path, file.text)
            }
        }

        @Test("inputs that fuzzing found", arguments: FuzzFindings.all)
        func findings(target: FuzzTarget, bytes: [UInt8]) { target.run(bytes) }
    }
#endif
