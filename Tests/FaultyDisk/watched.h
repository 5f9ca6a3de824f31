// What the two halves of the faulty disk share: the watched folders with their records, and the open descriptors.
#pragma once
#include "faulty_disk.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MAX_DISKS = 64, MAX_DESCRIPTORS = 65536, KIND_BITS = 7 };

struct faulty_disk {
    _Atomic bool is_used;
    bool records;
    char folder[512];
    size_t folder_length;
    // Protects all below, and keeps calls and their entries in one order.
    pthread_mutex_t lock;
    int64_t calls[KIND_BITS];
    int fail_kinds, fail_error;
    int64_t fail_skipped, fail_count, failures;
    faulty_disk_entry *entries;
    size_t entry_count, entry_capacity;
    // The inode of each file; the kernel gives numbers out again, so the newest one counts.
    uint64_t *inodes;
    size_t file_count;
};

// For each open descriptor of a watched file its disk and the file's number; both 0 for others.
extern _Atomic(faulty_disk *) disk_of[MAX_DESCRIPTORS];
extern uint64_t file_of[MAX_DESCRIPTORS];

// The disk that a path lies on, with the path relative to its folder; NULL for others.
faulty_disk *disk_at(const char *path, const char **relative);
faulty_disk *disk_with(int descriptor);

// The lock is held in all of these.
void add_entry(faulty_disk *disk, faulty_disk_entry entry);
// Whether a call of this kind shall fail, with errno set; counts it.
bool call_fails(faulty_disk *disk, int kind);
uint64_t file_number(faulty_disk *disk, int descriptor, bool is_new);
