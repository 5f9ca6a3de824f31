import Foundation
import Glibc
import Testing

@testable import LapwingServer

@Suite("Resident code")
struct ResidentCodeTests {
    @Test("code that is given back is not resident, and comes back where it is used, variables as they were")
    func giving() async {
        await #expect(processExitsWith: .success) {
            let memory = ResidentMemory()
            func fileBytes() -> Int {
                let now = memory.read()
                return now.residentBytes - now.ownBytes
            }
            let texts = (0..<1000).map { "\($0)" }
            let before = fileBytes()
            ResidentCode.ofProcess.release()
            let after = fileBytes()
            precondition(after < before / 2, "\(before), \(after)")
            // Sorting, hashing, numbers and the names of types.
            precondition(Set(texts).sorted().count == 1000 && Double("1.5")?.description == "1.5")
            precondition("\(type(of: memory.read()))" == "(residentBytes: Int, ownBytes: Int)")
            ResidentCode.ofProcess.release()
            precondition(fileBytes() < before / 2, "\(before), \(fileBytes())")
        }
    }

    @Test("constants that the linker left among the variables can no longer be written, and are given back")
    func constants() async {
        await #expect(processExitsWith: .success) {
            let program = CommandLine.arguments[0].split(separator: "/").last.map(String.init) ?? ""
            /// What is resident of the program's writable pages and was not written.
            func unwrittenBytes() throws -> Int {
                var sum = 0
                var counts = false
                for line in try String(contentsOfFile: "/proc/self/smaps", encoding: .utf8).split(separator: "\n") {
                    let words = line.split(separator: " ")
                    if words[0].contains("-") {
                        counts = words[1] == "rw-p" && line.hasSuffix("/" + program)
                    } else if counts, words[0] == "Rss:" || words[0] == "Private_Dirty:" {
                        sum += (Int(words[1]) ?? 0) * (words[0] == "Rss:" ? 1024 : -1024)
                    }
                }
                return sum
            }
            let before = try unwrittenBytes()
            precondition(before > 100_000, "\(before)")
            ResidentCode.ofProcess.release()
            let after = try unwrittenBytes()
            precondition(after < before / 4, "\(before), \(after)")
            precondition(String(describing: Array("abc".utf8).map { $0 + 1 }) == "[98, 99, 100]")
        }
    }
}
