#ifndef LAPWING_CPAGECHECKSUMS_H
#define LAPWING_CPAGECHECKSUMS_H

// Checksums of the pages of SQLite files that are written once and then only read.
//
// SQLite believes what stands on a page: where a bit of a page's list of cells has changed, rows are missing and nothing
// says so. So a finished file ends with a CRC-32 of each of its pages, and whoever reads it through the file system
// `page_checksums_vfs` gets SQLITE_IOERR_DATA instead of a page that has changed.
//
//     +--------+--------+-- --+--------+--------------------------+------------+----------------+----------------+
//     | page 1 | page 2 | ... | page n | CRC-32 of each, u32 each | "LwPageCk" | u32 page bytes | u32 page count |
//     +--------+--------+-- --+--------+--------------------------+------------+----------------+----------------+
//
// Numbers are little endian. SQLite ends the file where its own header says, so it can be read without this too.

#include <sqlite3.h>
#include <stdint.h>

/// The name of the file system, for `vfs=` of a URI.
#define PAGE_CHECKSUMS_VFS "lapwing-checked"

/// File controls of a file opened through it: how many pages have a checksum (0: the file has none), and which page was
/// refused last (0: none). Both write a uint32_t.
#define PAGE_CHECKSUMS_COUNT 0x4c770001
#define PAGE_CHECKSUMS_REFUSED 0x4c770002

/// Makes the file system known to SQLite; again is nothing. An SQLite result code.
int page_checksums_register(void);

/// Ends a closed database file with the checksums of its pages, in place of those it has. An SQLite result code; errno
/// says more where it is SQLITE_IOERR.
int page_checksums_append(const char *_Nonnull path);

#endif
