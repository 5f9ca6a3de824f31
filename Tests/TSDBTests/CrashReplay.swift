import Glibc
import TestSupport

/// Works out what a disk holds when the power goes at some place of the record of a `FaultyFolder`.
///
/// A file's changes last when the file was synced, names (new files, renames, deletions) when their folder was synced.
/// What was not synced may be there, may be missing, and writes may be there in parts of 512 bytes.
struct CrashReplay {
    enum Entry {
        case created(UInt64, String)
        case folder(String)
        case wrote(UInt64, offset: Int, [UInt8])
        case cut(UInt64, length: Int)
        case synced(UInt64)
        case syncedFolder(String)
        case renamed(String, to: String)
        case removed(String)
        case mark
    }

    /// What becomes of what was not synced.
    enum Ending: Sendable, Hashable {
        /// The process ends, the machine goes on: everything is there.
        case killed
        /// Nothing that was not synced is there.
        case powerLost
        /// Some of it is there: names up to one, writes in any order and in parts.
        case torn
    }

    static let sectorBytes = 512

    private enum Change {
        case write(Int, [UInt8])
        case cut(Int)
    }

    private struct File {
        var lasting: [UInt8] = []
        var pending: [Change] = []

        static func apply(_ change: Change, to content: inout [UInt8]) {
            switch change {
            case .cut(let length):
                if length < content.count { content.removeLast(content.count - length) }
                if length > content.count { content += [UInt8](repeating: 0, count: length - content.count) }
            case .write(let offset, let data):
                if offset + data.count > content.count {
                    content += [UInt8](repeating: 0, count: offset + data.count - content.count)
                }
                content.replaceSubrange(offset..<offset + data.count, with: data)
            }
        }
    }

    private struct Names {
        var files: [String: UInt64] = [:]
        var folders: Set<String> = []

        mutating func apply(_ entry: Entry) {
            switch entry {
            case .created(let file, let path): files[path] = file
            case .folder(let path): folders.insert(path)
            case .renamed(let path, let target): files[target] = files.removeValue(forKey: path)
            case .removed(let path): files[path] = nil
            default: break
            }
        }
    }

    private var files: [UInt64: File] = [:]
    private var names = Names()
    private var pendingNames: [Entry] = []

    /// Takes the next entry of the record.
    mutating func take(_ entry: Entry) {
        switch entry {
        case .created(let file, _):
            files[file] = File()
            pendingNames.append(entry)
        case .folder, .renamed, .removed: pendingNames.append(entry)
        case .wrote(let file, let offset, let data): files[file]?.pending.append(.write(offset, data))
        case .cut(let file, let length): files[file]?.pending.append(.cut(length))
        case .synced(let file):
            guard var state = files.removeValue(forKey: file) else { return }
            for change in state.pending { File.apply(change, to: &state.lasting) }
            state.pending.removeAll()
            files[file] = state
        case .syncedFolder(let folder):
            for entry in pendingNames where Self.folder(of: entry) == folder { names.apply(entry) }
            pendingNames.removeAll { Self.folder(of: $0) == folder }
        case .mark: break
        }
    }

    private static func folder(of entry: Entry) -> String {
        let path =
            switch entry {
            case .created(_, let path), .folder(let path), .renamed(let path, _), .removed(let path): path
            default: ""
            }
        return path.split(separator: "/").dropLast().joined(separator: "/")
    }

    /// Lays out what is left in a folder.
    func write(to target: TemporaryDirectory, ending: Ending, generator: inout SegmentColumnGenerator) {
        var left = names
        let kept =
            switch ending {
            case .killed: pendingNames.count
            case .powerLost: 0
            case .torn: generator.below(pendingNames.count + 1)
            }
        for entry in pendingNames.prefix(kept) { left.apply(entry) }
        for path in left.folders.sorted() { unsafe mkdir(target.path + "/" + path, 0o755) }
        for (path, file) in left.files.sorted(by: { $0.key < $1.key }) {
            // The shared memory of a write-ahead log is made anew by whoever opens it first.
            guard let state = files[file], !path.hasSuffix("-shm") else { continue }
            let content = Self.content(of: state, ending: ending, generator: &generator)
            guard let stream = unsafe fopen(target.path + "/" + path, "w") else { continue }
            _ = unsafe content.withUnsafeBytes { unsafe fwrite($0.baseAddress, 1, $0.count, stream) }
            unsafe fclose(stream)
        }
    }

    private static func content(
        of file: File, ending: Ending, generator: inout SegmentColumnGenerator
    ) -> [UInt8] {
        var content = file.lasting
        guard ending != .powerLost else { return content }
        for change in file.pending {
            guard ending == .torn else {
                File.apply(change, to: &content)
                continue
            }
            switch (generator.below(4), change) {
            case (0, _): break
            case (1, .write(let offset, let data)):
                for start in stride(from: 0, to: data.count, by: sectorBytes) where generator.below(2) == 0 {
                    let part = Array(data[start..<min(data.count, start + sectorBytes)])
                    File.apply(.write(offset + start, part), to: &content)
                }
            default: File.apply(change, to: &content)
            }
        }
        return content
    }
}
