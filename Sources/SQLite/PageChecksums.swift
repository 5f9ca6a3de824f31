internal import CPageChecksums
internal import CSQLite
import Glibc

/// Checksums of all pages of a file that is written once, so that a changed page is an error and not a missing row.
///
/// `append` ends the finished file with them; a connection opened with `SQLiteOpenOptions.checksPages` reads no page
/// without comparing. CPageChecksums draws the bytes.
package enum PageChecksums {
    /// The extended result code of a page that has changed.
    static let refusal: Int32 = SQLITE_IOERR | 32 << 8

    /// Ends a database file that nobody has open with the checksums of its pages, in place of those it has.
    package static func append(to path: String) throws(SQLiteError) {
        let code = unsafe page_checksums_append(path)
        guard code != SQLITE_OK else { return }
        let systemCode = errno
        var message = unsafe String(cString: sqlite3_errstr(code))
        if code == SQLITE_IOERR { message += unsafe ": " + String(cString: strerror(systemCode)) }
        throw SQLiteError(extendedCode: code, message: message, path: path)
    }
}

extension SQLiteConnection {
    /// Pages that have a checksum: 0 where the file has none or it was opened without `checksPages`.
    package var checkedPageCount: Int { control(PAGE_CHECKSUMS_COUNT) }

    /// The page that was refused last, 0 for none.
    package var refusedPage: Int { control(PAGE_CHECKSUMS_REFUSED) }

    private func control(_ operation: Int32) -> Int {
        var number: UInt32 = 0
        let code = unsafe sqlite3_file_control(handle, "main", operation, &number)
        return code == SQLITE_OK ? Int(number) : 0
    }
}
