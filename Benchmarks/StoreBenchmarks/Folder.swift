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
