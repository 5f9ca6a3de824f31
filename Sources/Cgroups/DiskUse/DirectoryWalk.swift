import Glibc
import Synchronization

/// What the files below a folder take.
struct TreeUse: Equatable, Sendable {
    /// Blocks on the device, as du(1) counts them: holes take nothing, a file with several names counts once.
    var bytes: UInt64 = 0
    /// Files, folders and links, the folder itself among them.
    var inodes: UInt64 = 0
    /// Whether a part was passed over: it may not be read, lies too deep, or there are too many hard links.
    var isPartial = false
}

/// Adds up what the files below a folder take, some entries at a time.
///
/// What is walked belongs to a container, which may change it meanwhile: each folder is opened from the one above
/// without following links, so that the walk never leaves its tree, and nothing but folders is ever opened. It stays on
/// the device it began on and passes over the mount points that it was told of without touching them. One thread's.
@safe final class DirectoryWalk {
    /// Folders one inside another that are followed; each is a descriptor kept open.
    static let maximumDepth = 100
    /// Files with several names that are remembered, 40 bytes each; those beyond may count more than once.
    static let maximumHardLinks = 100_000

    private(set) var use = TreeUse()
    private(set) var entries = 0
    private var levels: [OpaquePointer] = unsafe []
    private let device: dev_t
    private var linked: Set<UInt64> = []
    /// Mount points below the folder, and where the walk is, which is kept only if there are any.
    private let mountPoints: Set<[UInt8]>
    private var trail: [UInt8]
    private var trailEnds: [Int] = []
    /// Only these of the folder's own entries count, by the beginning of their names; all where there are none.
    private let names: [[UInt8]]

    /// Opens the folder; nil with `errno` set when it cannot.
    init?(path: String, names: [String] = [], mountPoints: Set<[UInt8]> = []) {
        let descriptor = unsafe Glibc.open(
            path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, let stream = unsafe fdopendir(descriptor) else {
            let failure = errno
            close(descriptor)
            errno = failure
            return nil
        }
        device = status.st_dev
        self.names = names.map { Array($0.utf8) }
        self.mountPoints = mountPoints
        trail = Array(path.utf8)
        unsafe levels.append(stream)
        if names.isEmpty { count(status) }
    }

    deinit {
        for index in unsafe levels.indices { unsafe closedir(levels[index]) }
    }

    /// Goes on for at most so many entries; true when the walk is over.
    ///
    /// `progress` grows by each entry, so that others see when the walk hangs.
    func advance(entries limit: Int, progress: borrowing Atomic<UInt64>) -> Bool {
        let end = entries + limit
        while let stream = unsafe levels.last, entries < end {
            progress.wrappingAdd(1, ordering: .relaxed)
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                if errno != 0 { use.isPartial = true }
                unsafe closedir(stream)
                unsafe levels.removeLast()
                if let end = trailEnds.popLast() { trail.removeSubrange(end...) }
                continue
            }
            entries += 1
            unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                guard let name = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
                unsafe take(name, length: strlen(name), in: dirfd(stream))
            }
        }
        return unsafe levels.isEmpty
    }

    /// Counts one entry and goes into it if it is a folder of the same device.
    private func take(_ name: UnsafePointer<CChar>, length: Int, in folder: Int32) {
        let bytes = unsafe UnsafeRawBufferPointer(start: name, count: length)
        if length <= 2, unsafe bytes.allSatisfy({ $0 == UInt8(ascii: ".") }) { return }
        if unsafe levels.count == 1, !names.isEmpty {
            guard names.contains(where: { unsafe bytes.starts(with: $0) }) else { return }
        }
        let trailEnd = trail.count
        if !mountPoints.isEmpty {
            trail.append(UInt8(ascii: "/"))
            unsafe trail.append(contentsOf: bytes)
        }
        var isEntered = false
        defer { if !isEntered { trail.removeSubrange(trailEnd...) } }
        if !mountPoints.isEmpty, mountPoints.contains(trail) { return }
        var status = stat()
        guard unsafe fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW | Self.noAutomount) == 0 else {
            if errno != ENOENT { use.isPartial = true }
            return
        }
        guard status.st_dev == device else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            if status.st_nlink > 1, !isFirstName(of: status) { return }
            count(status)
            return
        }
        count(status)
        isEntered = unsafe enter(name, in: folder, trailEnd: trailEnd)
    }

    private static let noAutomount: Int32 = 0x800

    private func enter(_ name: UnsafePointer<CChar>, in folder: Int32, trailEnd: Int) -> Bool {
        guard unsafe levels.count < Self.maximumDepth else {
            use.isPartial = true
            return false
        }
        let descriptor = unsafe openat(
            folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno != ENOENT { use.isPartial = true }
            return false
        }
        guard let stream = unsafe fdopendir(descriptor) else {
            close(descriptor)
            use.isPartial = true
            return false
        }
        unsafe levels.append(stream)
        trailEnds.append(trailEnd)
        return true
    }

    private func isFirstName(of status: stat) -> Bool {
        let inode = UInt64(status.st_ino)
        guard linked.count < Self.maximumHardLinks else {
            if linked.contains(inode) { return false }
            use.isPartial = true
            return true
        }
        return linked.insert(inode).inserted
    }

    private func count(_ status: stat) {
        // The unit of st_blocks is 512 bytes on Linux whatever the block size, see inode(7).
        use.bytes &+= UInt64(clamping: status.st_blocks) &* 512
        use.inodes &+= 1
    }
}
