import Glibc

/// Removes a folder with all that is in it.
func removeFolder(_ folder: String) {
    if let listing = unsafe opendir(folder) {
        while let entry = unsafe readdir(listing) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { removeFolder(folder + "/" + name) }
        }
        unsafe closedir(listing)
    }
    _ = unsafe remove(folder)
}

/// Copies a folder with all that is in it.
func copyFolder(_ folder: String, to copy: String) {
    unsafe mkdir(copy, 0o755)
    guard let listing = unsafe opendir(folder) else { return }
    defer { unsafe closedir(listing) }
    while let entry = unsafe readdir(listing) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
            unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        guard name != ".", name != ".." else { continue }
        if unsafe entry.pointee.d_type == UInt8(DT_DIR) {
            copyFolder(folder + "/" + name, to: copy + "/" + name)
        } else {
            copyFile(folder + "/" + name, to: copy + "/" + name)
        }
    }
}

private func copyFile(_ path: String, to copy: String) {
    let source = unsafe open(path, O_RDONLY)
    let target = unsafe open(copy, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    defer {
        close(source)
        close(target)
    }
    while sendfile(target, source, nil, 1 << 30) > 0 {}
}
