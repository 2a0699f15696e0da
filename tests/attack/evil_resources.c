// SPDX-License-Identifier: Apache-2.0
// Attacks by using too much, by ending oddly, and by not ending.
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "attack/evil.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND_NS INT64_C(1000000000)
#define STEP_BYTES (UINT64_C(4) << 20)
#define HOG_BYTES_MAX (UINT64_C(1) << 30)

enum { THREADS_MAX = 20000, SPINNERS = 8, PIPES_MAX = 4096 };

static volatile uint64_t counter;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void *sleep_for_ever(void *unused)
{
    while (pause() < 0) {
    }
    return unused;
}

// Processes cannot be made at all, so threads are.
void evil_thread_bomb(const struct evil_target *target)
{
    (void)target;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    long made = 0;
    for (; made < THREADS_MAX; made++) {
        pthread_t thread;
        int failed = pthread_create(&thread, &attributes, sleep_for_ever, NULL);
        if (failed != 0) {
            errno = failed;
            evil_tried("one more thread", -1);
            break;
        }
    }
    evil_note("threads", made);
}

void evil_stop_itself(const struct evil_target *target)
{
    (void)target;
    evil_tried("stop itself", raise(SIGSTOP));
    for (;;) {
        pause();
    }
}

void evil_never_stops(const struct evil_target *target)
{
    (void)target;
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    puts("done");
    fflush(stdout);
    for (;;) {
        counter++;
    }
}

void evil_exit_137(const struct evil_target *target)
{
    (void)target;
    _exit(137);
}

void evil_kill_itself(const struct evil_target *target)
{
    (void)target;
    evil_tried("kill itself", raise(SIGKILL));
    _exit(3);
}

void evil_abort(const struct evil_target *target)
{
    (void)target;
    abort();
}

// With a gigabyte that a core file would hold.
void evil_crash(const struct evil_target *target)
{
    (void)target;
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    evil_tried("a larger core file", setrlimit(RLIMIT_CORE, &limit));
    void *bytes =
        mmap(NULL, HOG_BYTES_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    evil_note("mapped", bytes != MAP_FAILED);
    raise(SIGSEGV);
    *(volatile char *)UINTPTR_MAX = 1;
}

void evil_exit_at_once(const struct evil_target *target)
{
    (void)target;
    _exit(3);
}

// Other sleepers could be moved to a word of ours, and would never wake.
void evil_futex_storm(const struct evil_target *target)
{
    (void)target;
    static uint32_t words[1024];
    evil_tried("requeue", syscall(SYS_futex, words, FUTEX_REQUEUE, 1, 1, words + 1, 0));
    evil_tried("cmp_requeue", syscall(SYS_futex, words, FUTEX_CMP_REQUEUE, 1, 1, words + 1, 0));
    evil_tried("cmp_requeue_pi",
               syscall(SYS_futex, words, FUTEX_CMP_REQUEUE_PI, 1, 1, words + 1, 0));
    evil_tried("wake_op", syscall(SYS_futex, words, FUTEX_WAKE_OP, 1, 1, words + 1, 0));
    evil_tried("private requeue",
               syscall(SYS_futex, words, FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 1, 1, words + 1, 0));
    evil_tried("futex_requeue", syscall(456, NULL, 0, 1, 1));
    int64_t end_ns = now_ns() + SECOND_NS;
    while (now_ns() < end_ns) {
        for (int i = 0; i < 1000; i++) {
            syscall(SYS_futex, words, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
        }
    }
}

void evil_lock_everything(const struct evil_target *target)
{
    (void)target;
    for (int fd = 0; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            struct flock lock = {.l_type = F_WRLCK};
            struct flock open_lock = {.l_type = F_RDLCK};
            evil_note("flock", flock(fd, LOCK_EX | LOCK_NB));
            evil_note("lock", fcntl(fd, F_SETLK, &lock));
            evil_note("open file lock", fcntl(fd, F_OFD_SETLK, &open_lock));
        }
    }
}

static int send_descriptor(int socket, int fd)
{
    char byte = 0;
    struct iovec part = {&byte, 1};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(200 * sizeof fd)] = {0};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(200 * sizeof fd);
    for (size_t i = 0; i < 200; i++) {
        memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
    }
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

// Descriptors in flight count for the user, and could leave none for the broker.
void evil_descriptors_in_flight(const struct evil_target *target)
{
    (void)target;
    long sent = 0;
    for (int i = 0; i < 100; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0) {
            evil_tried("one more pair", -1);
            break;
        }
        while (send_descriptor(pair[0], pair[1]) == 0) {
            sent += 200;
        }
    }
    evil_tried("one more descriptor", send_descriptor(3, 3));
    evil_note("in flight", sent);
}

void evil_quotas(const struct evil_target *target)
{
    (void)target;
    evil_tried("inotify_init", inotify_init1(IN_CLOEXEC));
    long pipes = 0;
    for (; pipes < PIPES_MAX; pipes++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0) {
            evil_tried("one more pipe", -1);
            break;
        }
        if (pipes == 0) {
            evil_tried("a larger pipe", fcntl(ends[0], F_SETPIPE_SZ, 1 << 20));
        }
    }
    evil_note("pipes", pipes);
    evil_tried("one more epoll", epoll_create1(EPOLL_CLOEXEC));
    evil_tried("more files", setrlimit(RLIMIT_NOFILE, &(struct rlimit){1U << 20, 1U << 20}));
}

// With sequences that would take over a terminal, and no line ends for a while.
void evil_flood_log(const struct evil_target *target)
{
    (void)target;
    static char block[65536];
    static const char sequence[] = "\033]0;evil\007\033[2J\x9b\x31m\r\b";
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] = sequence[i % (sizeof sequence - 1)];
    }
    int64_t end_ns = now_ns() + 2 * SECOND_NS;
    long written = 0;
    while (now_ns() < end_ns) {
        for (int fd = 1; fd <= 2; fd++) {
            ssize_t count = write(fd, block, sizeof block);
            written += count > 0 ? count : 0;
        }
        block[sizeof block - 1] = written > (1L << 20) ? '\n' : 'x';
    }
    (void)!write(STDOUT_FILENO, "\n", 1);
    evil_note("written", written);
    evil_tried("a larger pipe", fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 1 << 20));
}

// A description that is shared with the broker would block it.
void evil_block_pipes(const struct evil_target *target)
{
    (void)target;
    static char block[4096];
    for (int fd = 0; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFL);
        if (flags >= 0) {
            fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
        }
    }
    int64_t end_ns = now_ns() + SECOND_NS;
    while (now_ns() < end_ns) {
        (void)!write(STDERR_FILENO, block, sizeof block);
    }
    (void)!write(STDERR_FILENO, "\n", 1);
}

// --- Memory -----------------------------------------------------------------------------------

static void hog(const char *what, int flags)
{
    uint64_t taken = 0;
    for (; taken < HOG_BYTES_MAX; taken += STEP_BYTES) {
        char *bytes = mmap(NULL, STEP_BYTES, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
        if (bytes == MAP_FAILED) {
            evil_tried(what, -1);
            break;
        }
        memset(bytes, 1, STEP_BYTES);
        evil_note("MiB", (long)(taken >> 20) + 4);
    }
}

void evil_hog_heap(const struct evil_target *target)
{
    (void)target;
    hog("more memory", MAP_PRIVATE);
}

void evil_hog_shared(const struct evil_target *target)
{
    (void)target;
    // A shared mapping of this device is memory that counts for nobody.
    evil_tried("/dev/zero", open("/dev/zero", O_RDWR | O_CLOEXEC));
    hog("more shared memory", MAP_SHARED);
}

void evil_hog_memfd(const struct evil_target *target)
{
    (void)target;
    static char block[65536];
    int fd = memfd_create("hog", MFD_CLOEXEC);
    evil_tried("memfd_create", fd);
    uint64_t taken = 0;
    while (fd >= 0 && taken < HOG_BYTES_MAX && write(fd, block, sizeof block) > 0) {
        taken += sizeof block;
        if (taken % STEP_BYTES == 0) {
            evil_note("MiB", (long)(taken >> 20));
        }
    }
}

void evil_hog_pipes(const struct evil_target *target)
{
    (void)target;
    static char block[65536];
    uint64_t taken = 0;
    int made = 0;
    for (; made < PIPES_MAX; made++) {
        int pair[2];
        if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0) {
            evil_tried("one more pipe", -1);
            break;
        }
        ssize_t count;
        while ((count = write(pair[1], block, sizeof block)) > 0) {
            taken += (uint64_t)count;
        }
    }
    evil_note("KiB", (long)(taken >> 10));
}

static void *spin(void *unused)
{
    while (counter < UINT64_MAX) {
        counter++;
    }
    return unused;
}

void evil_hog_cpu(const struct evil_target *target)
{
    (void)target;
    struct sched_param parameter = {.sched_priority = 50};
    evil_tried("SCHED_FIFO", sched_setscheduler(0, SCHED_FIFO, &parameter));
    evil_tried("SCHED_RR", sched_setscheduler(0, SCHED_RR, &parameter));
    evil_tried("sched_setattr", syscall(SYS_sched_setattr, 0, NULL, 0));
    evil_tried("nice -20", setpriority(PRIO_PROCESS, 0, -20));
    for (int i = 0; i < SPINNERS; i++) {
        pthread_t thread;
        int failed = pthread_create(&thread, NULL, spin, NULL);
        if (failed != 0) {
            evil_note("spinners", i);
            break;
        }
    }
    int64_t end_ns = now_ns() + 2 * SECOND_NS;
    while (now_ns() < end_ns) {
        counter++;
    }
}

void evil_lock_memory(const struct evil_target *target)
{
    (void)target;
    void *bytes =
        mmap(NULL, STEP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    evil_tried("mlock", mlock(bytes, STEP_BYTES));
    evil_tried("mlockall", mlockall(MCL_CURRENT | MCL_FUTURE));
    evil_tried("mlock2", mlock2(bytes, STEP_BYTES, MLOCK_ONFAULT));
    bytes = mmap(NULL, STEP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED,
                 -1, 0);
    evil_tried("locked mapping", bytes == MAP_FAILED ? -1 : 0);
    bytes = mmap(NULL, STEP_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    evil_tried("huge pages", bytes == MAP_FAILED ? -1 : 0);
    bytes =
        mmap(NULL, UINT64_C(1) << 46, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    evil_tried("64 TiB", bytes == MAP_FAILED ? -1 : 0);
}
