// A disk that fails on demand and remembers what was asked of it, for tests.
//
// The file system calls of the whole test process go through this file (it defines `open`, `pwrite`, `fsync`, ... before
// the C library does), so it sees SQLite's own unix VFS as well as what the store does beside it: renames, folder syncs,
// deletions. Calls on files below a watched folder are counted, may be made to fail, and are written down in order;
// everything else goes straight to the kernel.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct faulty_disk faulty_disk;

// What a call does, as bits of a mask.
enum {
    FAULTY_DISK_OPEN = 1,     // open a file that is there
    FAULTY_DISK_CREATE = 2,   // make a file or a folder
    FAULTY_DISK_READ = 4,     // pread, fstat
    FAULTY_DISK_WRITE = 8,    // pwrite, ftruncate
    FAULTY_DISK_SYNC = 16,    // fsync, fdatasync of files and folders
    FAULTY_DISK_NAME = 32,    // rename, unlink
    FAULTY_DISK_LOCK = 64,    // fcntl with a lock
};

// What an entry of the record says.
enum {
    FAULTY_DISK_CREATED = 1,  // path: a new, empty file
    FAULTY_DISK_FOLDER = 2,   // path: a new folder
    FAULTY_DISK_WROTE = 3,    // file, offset, data
    FAULTY_DISK_CUT = 4,      // file, offset: its new length
    FAULTY_DISK_SYNCED = 5,   // file
    FAULTY_DISK_SYNCED_FOLDER = 6,  // path
    FAULTY_DISK_RENAMED = 7,  // path, data: the new path
    FAULTY_DISK_REMOVED = 8,  // path
    FAULTY_DISK_MARK = 9,     // offset: a number of the test's
};

typedef struct {
    int kind;
    // A number for the file, whatever its name is at the time.
    uint64_t file;
    int64_t offset;
    // Relative to the watched folder.
    const char *path;
    const unsigned char *data;
    size_t count;
} faulty_disk_entry;

// Begins to watch a folder, which must be empty or new; NULL where too many are watched.
faulty_disk *faulty_disk_watch(const char *folder, bool records);
// Ends it. No file below the folder may be open any more.
void faulty_disk_forget(faulty_disk *disk);

// Lets calls fail with `error` whose kind is in the mask, once `skipped` such calls went well; `count` of them.
void faulty_disk_fail(faulty_disk *disk, int kinds, int64_t skipped, int64_t count, int error);
// Ends the failing.
void faulty_disk_heal(faulty_disk *disk);
// How many calls failed so far.
int64_t faulty_disk_failure_count(faulty_disk *disk);
// How many calls of these kinds there were so far.
int64_t faulty_disk_call_count(faulty_disk *disk, int kinds);

// Puts a number of the test's into the record; returns how many entries there are with it.
size_t faulty_disk_mark(faulty_disk *disk, int64_t number);
size_t faulty_disk_entry_count(faulty_disk *disk);
// Valid until the disk is forgotten.
faulty_disk_entry faulty_disk_entry_at(faulty_disk *disk, size_t index);
