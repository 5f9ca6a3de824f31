#define _GNU_SOURCE
#include "watched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static faulty_disk disks[MAX_DISKS];
_Atomic(faulty_disk *) disk_of[MAX_DESCRIPTORS];
uint64_t file_of[MAX_DESCRIPTORS];

// MARK: The record

void add_entry(faulty_disk *disk, faulty_disk_entry entry) {
    if (!disk->records) return;
    if (disk->entry_count == disk->entry_capacity) {
        disk->entry_capacity = disk->entry_capacity ? disk->entry_capacity * 2 : 1024;
        disk->entries = realloc(disk->entries, disk->entry_capacity * sizeof *disk->entries);
        if (!disk->entries) abort();
    }
    if (entry.path) entry.path = strdup(entry.path);
    if (entry.data) {
        unsigned char *copy = malloc(entry.count ? entry.count : 1);
        if (!copy) abort();
        memcpy(copy, entry.data, entry.count);
        entry.data = copy;
    }
    disk->entries[disk->entry_count++] = entry;
}

faulty_disk *disk_at(const char *path, const char **relative) {
    for (int index = 0; index < MAX_DISKS; index++) {
        faulty_disk *disk = &disks[index];
        if (!atomic_load_explicit(&disk->is_used, memory_order_acquire)) continue;
        if (strncmp(path, disk->folder, disk->folder_length) != 0) continue;
        const char *rest = path + disk->folder_length;
        if (*rest != 0 && *rest != '/') continue;
        *relative = *rest == '/' ? rest + 1 : rest;
        return disk;
    }
    return NULL;
}

faulty_disk *disk_with(int descriptor) {
    if (descriptor < 0 || descriptor >= MAX_DESCRIPTORS) return NULL;
    return atomic_load_explicit(&disk_of[descriptor], memory_order_acquire);
}

bool call_fails(faulty_disk *disk, int kind) {
    disk->calls[__builtin_ctz((unsigned)kind)]++;
    if (!(disk->fail_kinds & kind)) return false;
    if (disk->fail_skipped > 0) {
        disk->fail_skipped--;
        return false;
    }
    if (disk->fail_count <= 0) return false;
    disk->fail_count--;
    disk->failures++;
    errno = disk->fail_error;
    return true;
}

uint64_t file_number(faulty_disk *disk, int descriptor, bool is_new) {
    struct stat status;
    if (syscall(SYS_fstat, descriptor, &status) != 0) return 0;
    if (!is_new) {
        for (size_t index = disk->file_count; index > 0; index--) {
            if (disk->inodes[index - 1] == status.st_ino) return index;
        }
    }
    disk->inodes = realloc(disk->inodes, (disk->file_count + 1) * sizeof *disk->inodes);
    if (!disk->inodes) abort();
    disk->inodes[disk->file_count++] = status.st_ino;
    return disk->file_count;
}

// MARK: What tests call

faulty_disk *faulty_disk_watch(const char *folder, bool records) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    faulty_disk *found = NULL;
    pthread_mutex_lock(&lock);
    for (int index = 0; index < MAX_DISKS && !found; index++) {
        if (!atomic_load(&disks[index].is_used)) found = &disks[index];
    }
    if (found && strlen(folder) < sizeof found->folder) {
        memset(found, 0, sizeof *found);
        pthread_mutex_init(&found->lock, NULL);
        strcpy(found->folder, folder);
        found->folder_length = strlen(folder);
        found->records = records;
        atomic_store_explicit(&found->is_used, true, memory_order_release);
    }
    pthread_mutex_unlock(&lock);
    return found;
}

void faulty_disk_forget(faulty_disk *disk) {
    for (int index = 0; index < MAX_DESCRIPTORS; index++) {
        faulty_disk *expected = disk;
        atomic_compare_exchange_strong(&disk_of[index], &expected, NULL);
    }
    pthread_mutex_lock(&disk->lock);
    for (size_t index = 0; index < disk->entry_count; index++) {
        free((void *)disk->entries[index].path);
        free((void *)disk->entries[index].data);
    }
    free(disk->entries);
    free(disk->inodes);
    disk->inodes = NULL;
    disk->entries = NULL;
    disk->entry_count = 0;
    pthread_mutex_unlock(&disk->lock);
    atomic_store_explicit(&disk->is_used, false, memory_order_release);
}

void faulty_disk_fail(faulty_disk *disk, int kinds, int64_t skipped, int64_t count, int error) {
    pthread_mutex_lock(&disk->lock);
    disk->fail_kinds = kinds;
    disk->fail_skipped = skipped;
    disk->fail_count = count;
    disk->fail_error = error;
    pthread_mutex_unlock(&disk->lock);
}

void faulty_disk_heal(faulty_disk *disk) { faulty_disk_fail(disk, 0, 0, 0, 0); }

int64_t faulty_disk_failure_count(faulty_disk *disk) {
    pthread_mutex_lock(&disk->lock);
    int64_t count = disk->failures;
    pthread_mutex_unlock(&disk->lock);
    return count;
}

int64_t faulty_disk_call_count(faulty_disk *disk, int kinds) {
    int64_t count = 0;
    pthread_mutex_lock(&disk->lock);
    for (int bit = 0; bit < KIND_BITS; bit++) {
        if (kinds & (1 << bit)) count += disk->calls[bit];
    }
    pthread_mutex_unlock(&disk->lock);
    return count;
}

size_t faulty_disk_mark(faulty_disk *disk, int64_t number) {
    pthread_mutex_lock(&disk->lock);
    add_entry(disk, (faulty_disk_entry){.kind = FAULTY_DISK_MARK, .offset = number});
    size_t count = disk->entry_count;
    pthread_mutex_unlock(&disk->lock);
    return count;
}

size_t faulty_disk_entry_count(faulty_disk *disk) {
    pthread_mutex_lock(&disk->lock);
    size_t count = disk->entry_count;
    pthread_mutex_unlock(&disk->lock);
    return count;
}

faulty_disk_entry faulty_disk_entry_at(faulty_disk *disk, size_t index) {
    pthread_mutex_lock(&disk->lock);
    faulty_disk_entry entry = {0};
    if (index < disk->entry_count) entry = disk->entries[index];
    pthread_mutex_unlock(&disk->lock);
    return entry;
}
