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
}
