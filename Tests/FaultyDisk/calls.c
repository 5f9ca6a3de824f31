// The calls themselves: each defines a function of the C library for the whole process.
#define _GNU_SOURCE
#include "watched.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// MARK: Files

static int open_file(const char *path, int flags, mode_t mode) {
    const char *relative = NULL;
    faulty_disk *disk = disk_at(path, &relative);
    if (!disk) return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    pthread_mutex_lock(&disk->lock);
    struct stat status;
    bool is_new = (flags & O_CREAT) && syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) != 0;
    int descriptor = -1;
    if (!call_fails(disk, is_new ? FAULTY_DISK_CREATE : FAULTY_DISK_OPEN)) {
        descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
        if (descriptor >= 0 && descriptor < MAX_DESCRIPTORS) {
            file_of[descriptor] = file_number(disk, descriptor, is_new);
            atomic_store_explicit(&disk_of[descriptor], disk, memory_order_release);
            faulty_disk_entry entry = {.file = file_of[descriptor], .path = relative};
            if (is_new) {
                entry.kind = FAULTY_DISK_CREATED;
                add_entry(disk, entry);
            } else if (flags & O_TRUNC) {
                entry.kind = FAULTY_DISK_CUT;
                add_entry(disk, entry);
            }
        }
    }
    int saved = errno;
    pthread_mutex_unlock(&disk->lock);
    errno = saved;
    return descriptor;
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_file(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_file(path, flags, mode);
}

int close(int descriptor) {
    faulty_disk *disk = disk_with(descriptor);
    if (disk) atomic_store_explicit(&disk_of[descriptor], NULL, memory_order_release);
    return (int)syscall(SYS_close, descriptor);
}

ssize_t pwrite64(int descriptor, const void *data, size_t count, off_t offset) {
    faulty_disk *disk = disk_with(descriptor);
    if (!disk) return syscall(SYS_pwrite64, descriptor, data, count, offset);
    pthread_mutex_lock(&disk->lock);
    ssize_t result = -1;
    bool is_failing = call_fails(disk, FAULTY_DISK_WRITE);
    // A full disk takes a part first.
    if (is_failing && disk->fail_error == ENOSPC && count > 1) count /= 2;
    if (!is_failing || (disk->fail_error == ENOSPC && count > 1)) {
        result = syscall(SYS_pwrite64, descriptor, data, count, offset);
    }
    if (result > 0) {
        add_entry(disk, (faulty_disk_entry){
            .kind = FAULTY_DISK_WROTE, .file = file_of[descriptor], .offset = offset, .data = data,
            .count = (size_t)result});
    }
    int saved = is_failing ? disk->fail_error : errno;
    pthread_mutex_unlock(&disk->lock);
    errno = saved;
    return result;
}

ssize_t pwrite(int descriptor, const void *data, size_t count, off_t offset) {
    return pwrite64(descriptor, data, count, offset);
}

ssize_t pread64(int descriptor, void *data, size_t count, off_t offset) {
    faulty_disk *disk = disk_with(descriptor);
    if (!disk) return syscall(SYS_pread64, descriptor, data, count, offset);
    pthread_mutex_lock(&disk->lock);
    ssize_t result = -1;
    if (!call_fails(disk, FAULTY_DISK_READ)) result = syscall(SYS_pread64, descriptor, data, count, offset);
    int saved = errno;
    pthread_mutex_unlock(&disk->lock);
    errno = saved;
    return result;
}

ssize_t pread(int descriptor, void *data, size_t count, off_t offset) {
    return pread64(descriptor, data, count, offset);
}

int ftruncate64(int descriptor, off_t length) {
    faulty_disk *disk = disk_with(descriptor);
    if (!disk) return (int)syscall(SYS_ftruncate, descriptor, length);
    pthread_mutex_lock(&disk->lock);
    int result = -1;
    if (!call_fails(disk, FAULTY_DISK_WRITE)) result = (int)syscall(SYS_ftruncate, descriptor, length);
    if (result == 0) {
        add_entry(disk, (faulty_disk_entry){.kind = FAULTY_DISK_CUT, .file = file_of[descriptor], .offset = length});
    }
    int saved = errno;
    pthread_mutex_unlock(&disk->lock);
    errno = saved;
    return result;
}

int ftruncate(int descriptor, off_t length) { return ftruncate64(descriptor, length); }

static int sync_file(int descriptor, long call) {
    faulty_disk *disk = disk_with(descriptor);
    if (!disk) return (int)syscall(call, descriptor);
    pthread_mutex_lock(&disk->lock);
    int result = -1;
    // What a crash leaves is worked out from the record; waiting for the real disk would only make tests slow.
    if (!call_fails(disk, FAULTY_DISK_SYNC)) {
        result = 0;
        struct stat status;
        bool is_folder = syscall(SYS_fstat, descriptor, &status) == 0 && S_ISDIR(status.st_mode);
        if (is_folder) {
            char link[64], path[1024];
            snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
            ssize_t length = readlink(link, path, sizeof path - 1);
            const char *relative = NULL;
            if (length > 0) {
                path[length] = 0;
                if (disk_at(path, &relative) == disk) {
                    add_entry(disk, (faulty_disk_entry){.kind = FAULTY_DISK_SYNCED_FOLDER, .path = relative});
                }
            }
        } else {
            add_entry(disk, (faulty_disk_entry){.kind = FAULTY_DISK_SYNCED, .file = file_of[descriptor]});
        }
    }
    int saved = errno;
    pthread_mutex_unlock(&disk->lock);
    errno = saved;
    return result;
}

int fsync(int descriptor) { return sync_file(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return sync_file(descriptor, SYS_fdatasync); }

static int control(int descriptor, int command, long argument) {
    faulty_disk *disk = command == F_SETLK || command == F_GETLK ? disk_with(descriptor) : NULL;
    if (!disk) return (int)syscall(SYS_fcntl, descriptor, command, argument);
    pthread_mutex_lock(&disk->lock);
    int result = -1;
    // Letting go of a lock does not fail on any file system, and SQLite does not expect it to.
    bool lets_go = command == F_SETLK && ((struct flock *)argument)->l_type == F_UNLCK;
    if (lets_go || !call_fails(disk, FAULTY_DISK_LOCK)) {
        result = (int)syscall(SYS_fcntl, descriptor, command, argument);
    }
    int saved = errno;
    pthread_mutex_unlock(&disk->lock);
    errno = saved;
    return result;
}

int fcntl(int descriptor, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    return control(descriptor, command, argument);
}

int fcntl64(int descriptor, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    return control(descriptor, command, argument);
}

// MARK: Names

static int name_call(
    faulty_disk *disk, int fail_kind, int (*call)(const char *, const char *, mode_t), const char *path, const char *other,
    mode_t mode, faulty_disk_entry entry) {
    pthread_mutex_lock(&disk->lock);
    int result = -1;
    if (!call_fails(disk, fail_kind)) result = call(path, other, mode);
    if (result == 0) add_entry(disk, entry);
    int saved = errno;
    pthread_mutex_unlock(&disk->lock);
    errno = saved;
    return result;
}

static int raw_rename(const char *path, const char *other, mode_t mode) {
    (void)mode;
    return (int)syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, 0);
}

static int raw_unlink(const char *path, const char *other, mode_t mode) {
    (void)other, (void)mode;
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static int raw_mkdir(const char *path, const char *other, mode_t mode) {
    (void)other;
    return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int rename(const char *path, const char *other) {
    const char *relative = NULL, *target = NULL;
    faulty_disk *disk = disk_at(path, &relative);
    if (!disk || disk_at(other, &target) != disk) return raw_rename(path, other, 0);
    faulty_disk_entry entry = {
        .kind = FAULTY_DISK_RENAMED, .path = relative, .data = (const unsigned char *)target,
        .count = strlen(target) + 1};
    return name_call(disk, FAULTY_DISK_NAME, raw_rename, path, other, 0, entry);
}

int unlink(const char *path) {
    const char *relative = NULL;
    faulty_disk *disk = disk_at(path, &relative);
    if (!disk) return raw_unlink(path, NULL, 0);
    faulty_disk_entry entry = {.kind = FAULTY_DISK_REMOVED, .path = relative};
    return name_call(disk, FAULTY_DISK_NAME, raw_unlink, path, NULL, 0, entry);
}

int mkdir(const char *path, mode_t mode) {
    const char *relative = NULL;
    faulty_disk *disk = disk_at(path, &relative);
    if (!disk) return raw_mkdir(path, NULL, mode);
    faulty_disk_entry entry = {.kind = FAULTY_DISK_FOLDER, .path = relative};
    return name_call(disk, FAULTY_DISK_CREATE, raw_mkdir, path, NULL, mode, entry);
}
