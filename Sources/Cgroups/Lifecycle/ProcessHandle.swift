internal import CKernel
import Glibc

/// A hold on a process that tells when it ends and, where the kernel knows (6.15), with which status; see
/// pidfd_open(2).
struct ProcessHandle {
    /// The descriptor, or -1.
    private(set) var descriptor: Int32 = -1

    var isOpen: Bool { descriptor >= 0 }

    /// Takes hold of a living process; false when it is gone or the kernel is older than 5.3.
    mutating func open(process: UInt64) -> Bool {
        guard process > 0, process <= UInt64(Int32.max) else { return false }
        descriptor = lapwing_pidfd_open(Int32(process))
        return descriptor >= 0
    }

    mutating func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }

    /// How the process ended, as a shell would say it: the exit code, or 128 and the signal; nil while it is not known.
    var exitCode: Int32? {
        guard descriptor >= 0 else { return nil }
        var status: Int32 = 0
        guard unsafe lapwing_pidfd_wait_status(descriptor, &status) == 0 else { return nil }
        return Self.exitCode(waitStatus: status)
    }

    /// The code in a status of wait(2).
    static func exitCode(waitStatus status: Int32) -> Int32 {
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
