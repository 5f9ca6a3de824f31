// Calls of the Linux kernel that Swift's own module of the C library leaves out, or that C reaches only by variadics.
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// pidfd_open(2): a descriptor that is readable when the process has ended; -1 with errno before Linux 5.3.
static inline int lapwing_pidfd_open(int process) {
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, process, 0);
#else
    errno = ENOSYS;
    return -1;
#endif
}

// The first form of `struct pidfd_info` in linux/pidfd.h, 64 bytes.
struct lapwing_pidfd_info {
    uint64_t mask;
    uint64_t cgroup;
    uint32_t numbers[11];
    int32_t exit_code;
};

// PIDFD_GET_INFO with PIDFD_INFO_EXIT (Linux 6.15): the wait status of a process that was reaped.
// 0 when it is known; -1 when the kernel does not tell or the process was not reaped yet.
static inline int lapwing_pidfd_wait_status(int descriptor, int *status) {
    struct lapwing_pidfd_info info;
    memset(&info, 0, sizeof info);
    info.mask = UINT64_C(1) << 3;
    if (ioctl(descriptor, _IOWR(0xFF, 11, struct lapwing_pidfd_info), &info) != 0) return -1;
    if ((info.mask & (UINT64_C(1) << 3)) == 0) return -1;
    *status = info.exit_code;
    return 0;
}
#include <sys/timex.h>

// Makes the calling thread give way to others on the processor (nice 19) and on disks (the lowest of the ordinary
// classes, see ioprio_set(2)); where that is not allowed nothing changes.
#include <sys/resource.h>
static inline void lapwing_yield_to_others(void) {
    (void)setpriority(PRIO_PROCESS, 0, 19);
    (void)syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7);
}
