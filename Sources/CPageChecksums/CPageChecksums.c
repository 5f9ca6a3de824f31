#define _GNU_SOURCE
#include "CPageChecksums.h"

#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL_BYTES = 16, SUMS_PER_BLOCK = 1024, LARGEST_PAGE = 65536 };
static const char magic[8] = "LwPageCk";

/// A file and what is known of its checksums; SQLite's own file object lies behind it.
typedef struct {
    sqlite3_file base;
    uint32_t page_bytes;
    uint32_t page_count;
    /// The page that was refused last.
    uint32_t refused;
    /// Which block of checksums is in memory, from 1 on.
    uint32_t block;
    uint32_t *sums;
    unsigned char *scratch;
    sqlite3_file real[];
} checked_file;

static sqlite3_vfs *system_vfs;

static uint32_t number_at(const unsigned char *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void put_number(unsigned char *bytes, uint32_t number) {
    for (int index = 0; index < 4; index++) bytes[index] = (unsigned char)(number >> (8 * index));
}

static int is_page_size(uint32_t bytes) { return bytes >= 512 && bytes <= LARGEST_PAGE && !(bytes & (bytes - 1)); }

// MARK: Reading

/// Reads the end of the file; the file has no checksums where it is not ours.
static int read_tail(checked_file *file) {
    sqlite3_file *real = file->real;
    sqlite3_int64 size = 0;
    unsigned char tail[TAIL_BYTES];
    int code = real->pMethods->xFileSize(real, &size);
    if (code != SQLITE_OK || size < TAIL_BYTES) return code;
    code = real->pMethods->xRead(real, tail, TAIL_BYTES, size - TAIL_BYTES);
    if (code != SQLITE_OK || memcmp(tail, magic, sizeof magic) != 0) return code;
    uint32_t page_bytes = number_at(tail + 8), page_count = number_at(tail + 12);
    if (!is_page_size(page_bytes) || page_count == 0) return SQLITE_OK;
    if (size != (sqlite3_int64)page_count * (page_bytes + 4) + TAIL_BYTES) return SQLITE_OK;
    file->sums = malloc(SUMS_PER_BLOCK * 4);
    file->scratch = malloc(page_bytes);
    if (!file->sums || !file->scratch) return SQLITE_NOMEM;
    file->page_bytes = page_bytes;
    file->page_count = page_count;
    return SQLITE_OK;
}

/// The checksum that a page, counted from 0, had when it was written.
static int expected_sum(checked_file *file, uint32_t page, uint32_t *sum) {
    uint32_t first = page / SUMS_PER_BLOCK * SUMS_PER_BLOCK;
    if (file->block != first / SUMS_PER_BLOCK + 1) {
        uint32_t rest = file->page_count - first;
        uint32_t count = rest < SUMS_PER_BLOCK ? rest : SUMS_PER_BLOCK;
        sqlite3_int64 offset = (sqlite3_int64)file->page_count * file->page_bytes + (sqlite3_int64)first * 4;
        file->block = 0;
        int code = file->real->pMethods->xRead(file->real, file->sums, (int)(count * 4), offset);
        if (code != SQLITE_OK) return code;
        file->block = first / SUMS_PER_BLOCK + 1;
    }
    *sum = number_at((const unsigned char *)(file->sums + page % SUMS_PER_BLOCK));
    return SQLITE_OK;
}

static int check_page(checked_file *file, uint32_t page, const void *bytes) {
    uint32_t expected = 0;
    int code = expected_sum(file, page, &expected);
    if (code != SQLITE_OK) return code;
    if (libdeflate_crc32(0, bytes, file->page_bytes) == expected) return SQLITE_OK;
    file->refused = page + 1;
    return SQLITE_IOERR_DATA;
}

static int checked_read(sqlite3_file *base, void *target, int count, sqlite3_int64 offset) {
    checked_file *file = (checked_file *)base;
    sqlite3_file *real = file->real;
    if (!file->page_count) return real->pMethods->xRead(real, target, count, offset);
    uint32_t page_bytes = file->page_bytes;
    if (offset < 0 || count < 0) return SQLITE_IOERR_READ;
    if (offset + count > (sqlite3_int64)file->page_count * page_bytes) {
        memset(target, 0, (size_t)count);
        return SQLITE_IOERR_SHORT_READ;
    }
    unsigned char *next = target;
    while (count > 0) {
        uint32_t page = (uint32_t)(offset / page_bytes);
        uint32_t start = (uint32_t)(offset % page_bytes);
        int part = (int)(page_bytes - start) < count ? (int)(page_bytes - start) : count;
        // Parts of pages are rare: the header, before SQLite knows how large pages are.
        unsigned char *whole = part == (int)page_bytes ? next : file->scratch;
        int code = real->pMethods->xRead(real, whole, (int)page_bytes, (sqlite3_int64)page * page_bytes);
        if (code == SQLITE_OK) code = check_page(file, page, whole);
        if (code != SQLITE_OK) return code;
        if (whole != next) memcpy(next, whole + start, (size_t)part);
        next += part;
        offset += part;
        count -= part;
    }
    return SQLITE_OK;
}

// MARK: The file

static int checked_close(sqlite3_file *base) {
    checked_file *file = (checked_file *)base;
    free(file->sums);
    free(file->scratch);
    return file->real->pMethods->xClose(file->real);
}

static int checked_size(sqlite3_file *base, sqlite3_int64 *size) {
    checked_file *file = (checked_file *)base;
    if (!file->page_count) return file->real->pMethods->xFileSize(file->real, size);
    *size = (sqlite3_int64)file->page_count * file->page_bytes;
    return SQLITE_OK;
}

static int checked_control(sqlite3_file *base, int operation, void *argument) {
    checked_file *file = (checked_file *)base;
    switch (operation) {
    case PAGE_CHECKSUMS_COUNT: *(uint32_t *)argument = file->page_count; return SQLITE_OK;
    case PAGE_CHECKSUMS_REFUSED: *(uint32_t *)argument = file->refused; return SQLITE_OK;
    default: return file->real->pMethods->xFileControl(file->real, operation, argument);
    }
}

static int refuse_write(sqlite3_file *base, const void *bytes, int count, sqlite3_int64 offset) {
    (void)base, (void)bytes, (void)count, (void)offset;
    return SQLITE_READONLY;
}
static int refuse_cut(sqlite3_file *base, sqlite3_int64 size) { (void)base, (void)size; return SQLITE_READONLY; }
static int no_sync(sqlite3_file *base, int flags) { (void)base, (void)flags; return SQLITE_OK; }

static int checked_lock(sqlite3_file *base, int level) {
    sqlite3_file *real = ((checked_file *)base)->real;
    return real->pMethods->xLock(real, level);
}
static int checked_unlock(sqlite3_file *base, int level) {
    sqlite3_file *real = ((checked_file *)base)->real;
    return real->pMethods->xUnlock(real, level);
}
static int checked_reserved(sqlite3_file *base, int *result) {
    sqlite3_file *real = ((checked_file *)base)->real;
    return real->pMethods->xCheckReservedLock(real, result);
}
static int checked_sector(sqlite3_file *base) {
    sqlite3_file *real = ((checked_file *)base)->real;
    return real->pMethods->xSectorSize(real);
}
static int checked_traits(sqlite3_file *base) {
    sqlite3_file *real = ((checked_file *)base)->real;
    return real->pMethods->xDeviceCharacteristics(real);
}

/// Version 1: no shared memory and no memory map, so that every byte comes through `checked_read`.
static const sqlite3_io_methods methods = {
    .iVersion = 1, .xClose = checked_close, .xRead = checked_read, .xWrite = refuse_write, .xTruncate = refuse_cut,
    .xSync = no_sync, .xFileSize = checked_size, .xLock = checked_lock, .xUnlock = checked_unlock,
    .xCheckReservedLock = checked_reserved, .xFileControl = checked_control, .xSectorSize = checked_sector,
    .xDeviceCharacteristics = checked_traits,
};

static int checked_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *given_flags) {
    (void)vfs;
    // Only database files that are not written; SQLite asks for nothing else when it is told that a file is immutable.
    if (!(flags & SQLITE_OPEN_MAIN_DB) || !(flags & SQLITE_OPEN_READONLY)) return SQLITE_CANTOPEN;
    checked_file *file = (checked_file *)base;
    memset(file, 0, sizeof *file);
    int code = system_vfs->xOpen(system_vfs, name, file->real, flags, given_flags);
    if (code != SQLITE_OK) return code;
    code = read_tail(file);
    if (code != SQLITE_OK) {
        checked_close(base);
        file->base.pMethods = NULL;
        return code;
    }
    file->base.pMethods = &methods;
    return SQLITE_OK;
}

static sqlite3_vfs checked_vfs;

static void register_once(void) {
    if (sqlite3_initialize() != SQLITE_OK) return;
    system_vfs = sqlite3_vfs_find(NULL);
    if (!system_vfs) return;
    // All but opening is the system's.
    checked_vfs = *system_vfs;
    checked_vfs.zName = PAGE_CHECKSUMS_VFS;
    checked_vfs.pNext = NULL;
    checked_vfs.szOsFile = (int)sizeof(checked_file) + system_vfs->szOsFile;
    checked_vfs.xOpen = checked_open;
    sqlite3_vfs_register(&checked_vfs, 0);
}

int page_checksums_register(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_once);
    return sqlite3_vfs_find(PAGE_CHECKSUMS_VFS) ? SQLITE_OK : SQLITE_ERROR;
}

// MARK: Writing

static int transfer(int descriptor, unsigned char *bytes, size_t count, off_t offset, int writes) {
    while (count > 0) {
        ssize_t done = writes ? pwrite(descriptor, bytes, count, offset) : pread(descriptor, bytes, count, offset);
        if (done < 0 && errno == EINTR) continue;
        if (done == 0) errno = EIO;
        if (done <= 0) return -1;
        bytes += done;
        offset += done;
        count -= (size_t)done;
    }
    return 0;
}

static int append_sums(int descriptor, unsigned char *page) {
    // sqlite.org/fileformat.html, "the database header": big endian, page size at 16, pages at 28.
    if (transfer(descriptor, page, 100, 0, 0) != 0) return SQLITE_IOERR;
    uint32_t page_bytes = (uint32_t)page[16] << 8 | page[17];
    if (page_bytes == 1) page_bytes = LARGEST_PAGE;
    uint32_t page_count = (uint32_t)page[28] << 24 | (uint32_t)page[29] << 16 | (uint32_t)page[30] << 8 | page[31];
    if (memcmp(page, "SQLite format 3", 16) != 0 || !is_page_size(page_bytes) || page_count == 0) return SQLITE_NOTADB;
    off_t end = (off_t)page_count * page_bytes;
    size_t sum_bytes = (size_t)page_count * 4;
    unsigned char *tail = malloc(sum_bytes + TAIL_BYTES);
    if (!tail) return SQLITE_NOMEM;
    int code = SQLITE_OK;
    for (uint32_t number = 0; number < page_count && code == SQLITE_OK; number++) {
        if (transfer(descriptor, page, page_bytes, (off_t)number * page_bytes, 0) != 0) code = SQLITE_IOERR;
        put_number(tail + (size_t)number * 4, libdeflate_crc32(0, page, page_bytes));
    }
    memcpy(tail + sum_bytes, magic, sizeof magic);
    put_number(tail + sum_bytes + 8, page_bytes);
    put_number(tail + sum_bytes + 12, page_count);
    if (code == SQLITE_OK && ftruncate(descriptor, end) != 0) code = SQLITE_IOERR;
    if (code == SQLITE_OK && transfer(descriptor, tail, sum_bytes + TAIL_BYTES, end, 1) != 0) code = SQLITE_IOERR;
    int saved = errno;
    free(tail);
    errno = saved;
    return code;
}

int page_checksums_append(const char *path) {
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return SQLITE_IOERR;
    unsigned char *page = malloc(LARGEST_PAGE);
    int code = page ? append_sums(descriptor, page) : SQLITE_NOMEM;
    int saved = errno;
    free(page);
    if (close(descriptor) != 0 && code == SQLITE_OK) return SQLITE_IOERR;
    errno = saved;
    return code;
}
