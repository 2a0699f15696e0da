// SPDX-License-Identifier: Apache-2.0
// Attacks on namespaces, privileges, sockets, signals and other processes.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "attack/evil.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PEERPIDFD 77  // SO_PEERPIDFD, Linux 6.5

enum { CONTROL_FD = 3 };

void evil_namespaces(const struct evil_target *target)
{
    (void)target;
    static const struct {
        const char *name;
        int flag;
    } kinds[] = {{"user", CLONE_NEWUSER}, {"mount", CLONE_NEWNS}, {"pid", CLONE_NEWPID},
                 {"net", CLONE_NEWNET},   {"ipc", CLONE_NEWIPC},  {"uts", CLONE_NEWUTS},
                 {"time", 0x80},          {"cgroup", 0x02000000}};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        char what[32];
        snprintf(what, sizeof what, "unshare %s", kinds[i].name);
        evil_tried(what, unshare(kinds[i].flag));
        snprintf(what, sizeof what, "clone %s", kinds[i].name);
        long pid = syscall(SYS_clone, (long)kinds[i].flag | SIGCHLD, 0, 0, 0, 0);
        if (pid == 0) {
            _exit(0);
        }
        evil_tried(what, pid);
    }
    uint64_t arguments[11] = {CLONE_NEWUSER};
    long pid = syscall(SYS_clone3, arguments, sizeof arguments);
    if (pid == 0) {
        _exit(0);
    }
    evil_tried("clone3", pid);
    evil_tried("setns", setns(CONTROL_FD, 0));
    evil_tried("setns pidfd", setns(STDOUT_FILENO, CLONE_NEWNS));
}

void evil_privileges(const struct evil_target *target)
{
    (void)target;
    uint32_t header[2] = {0x20080522, 0};
    uint32_t data[6] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    evil_tried("setuid", setuid(0));
    evil_tried("setresuid", setresuid(0, 0, 0));
    evil_tried("setgroups", setgroups(0, NULL));
    evil_tried("capset", syscall(SYS_capset, header, data));
    evil_tried("ambient capability", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0));
    evil_tried("keyctl", syscall(SYS_keyctl, 0, -1, 1));
    evil_tried("add_key", syscall(SYS_add_key, "user", "evil", "x", 1, -3));
    evil_tried("request_key", syscall(SYS_request_key, "user", "evil", NULL, -3));
    evil_tried("bpf", syscall(SYS_bpf, 0, NULL, 0));
    evil_tried("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    evil_tried("io_uring_setup", syscall(SYS_io_uring_setup, 8, NULL));
    evil_tried("userfaultfd", syscall(SYS_userfaultfd, 1));
    evil_tried("init_module", syscall(SYS_init_module, NULL, 0, ""));
    evil_tried("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    evil_tried("seccomp", syscall(SYS_seccomp, 1, 0, NULL));
    evil_tried("personality", syscall(SYS_personality, 0x0040000));
    evil_tried("shmget", shmget(IPC_PRIVATE, 4096, 0600));
    evil_tried("mq_open", syscall(SYS_mq_open, "/evil", O_CREAT | O_RDWR, 0600, NULL));
    evil_tried("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    evil_tried("sethostname", sethostname("evil", 4));
    evil_tried("clock_settime", syscall(SYS_clock_settime, 0, &(struct timespec){.tv_sec = 1}));
    evil_tried("iopl", syscall(SYS_iopl, 3));
    evil_tried("modify_ldt", syscall(SYS_modify_ldt, 1, NULL, 0));
    evil_tried("fanotify_init", syscall(SYS_fanotify_init, 0, 0));
    evil_tried("memfd_secret", syscall(447, 0));
}

void evil_x32(const struct evil_target *target)
{
    (void)target;
    evil_tried("getpid of x32", syscall(0x40000000 | SYS_getpid));
}

void evil_int80(const struct evil_target *target)
{
    (void)target;
    long result = 20;  // getpid of 32 bit
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
    evil_tried("int 0x80", result);
}

static void trace_one(const char *who, pid_t pid)
{
    char what[48];
    uint64_t word = 0;
    struct iovec ours = {&word, sizeof word};
    struct iovec theirs = {(void *)0x400000, sizeof word};
    snprintf(what, sizeof what, "attach to %s", who);
    evil_tried(what, ptrace(PTRACE_ATTACH, pid, NULL, NULL));
    snprintf(what, sizeof what, "seize %s", who);
    evil_tried(what, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
    snprintf(what, sizeof what, "write memory of %s", who);
    evil_tried(what, process_vm_writev(pid, &ours, 1, &theirs, 1, 0));
    snprintf(what, sizeof what, "read memory of %s", who);
    evil_tried(what, process_vm_readv(pid, &ours, 1, &theirs, 1, 0));
    snprintf(what, sizeof what, "kcmp %s", who);
    evil_tried(what, syscall(SYS_kcmp, getpid(), pid, 0, 0, 0));
}

void evil_trace(const struct evil_target *target)
{
    trace_one("process 1", 1);
    trace_one("its parent", getppid());
    trace_one("the broker", (pid_t)target->number);
}

void evil_sockets(const struct evil_target *target)
{
    (void)target;
    static const struct {
        const char *name;
        int family;
        int type;
    } kinds[] = {{"inet", AF_INET, SOCK_STREAM},
                 {"inet6", AF_INET6, SOCK_STREAM},
                 {"udp", AF_INET, SOCK_DGRAM},
                 {"raw", AF_INET, SOCK_RAW},
                 {"netlink", AF_NETLINK, SOCK_RAW},
                 {"packet", AF_PACKET, SOCK_RAW},
                 {"vsock", AF_VSOCK, SOCK_STREAM},
                 {"alg", AF_ALG, SOCK_SEQPACKET},
                 {"bluetooth", AF_BLUETOOTH, SOCK_RAW},
                 {"can", AF_CAN, SOCK_RAW},
                 {"key", AF_KEY, SOCK_RAW},
                 {"unix", AF_UNIX, SOCK_STREAM}};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        evil_tried(kinds[i].name, socket(kinds[i].family, kinds[i].type | SOCK_CLOEXEC, 0));
    }
    int pair[2];
    evil_tried("pair of inet", socketpair(AF_INET, SOCK_STREAM, 0, pair));
}

void evil_loopback(const struct evil_target *target)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)target->number),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    evil_tried("connect to the host",
               fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof address));
    // Closing it would take the receiver as long as the linger.
    struct linger linger = {1, 4};
    evil_tried("linger",
               fd < 0 ? -1 : setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

static void try_connect(const char *what, int fd, const struct sockaddr_un *address, socklen_t size)
{
    evil_tried(what, fd < 0 ? -1 : connect(fd, (const struct sockaddr *)address, size));
}

// The socket of the host with this path, and the abstract one of the same name.
void evil_local_sockets(const struct evil_target *target)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(target->path);
    if (length + 2 > sizeof address.sun_path) {
        return;
    }
    int pair[2] = {-1, -1};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0) {
        evil_tried("socketpair", -1);
    }
    memcpy(address.sun_path, target->path, length + 1);
    try_connect("path", fd, &address, sizeof address);
    try_connect("path by a pair", pair[0], &address, sizeof address);
    evil_tried("sendto path",
               sendto(pair[0], "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof address));
    memcpy(address.sun_path + 1, target->path, length);
    address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
    try_connect("abstract", fd, &address, size);
    try_connect("abstract by a pair", pair[0], &address, size);
}

void evil_signals(const struct evil_target *target)
{
    long reached = 0;
    evil_tried("kill all", kill(-1, SIGUSR1));
    evil_tried("kill the broker", kill((pid_t)target->number, SIGUSR1));
    for (pid_t pid = 1; pid <= 32768; pid++) {
        if (pid == getpid()) {
            continue;
        }
        reached += kill(pid, SIGUSR1) == 0 ? 1 : 0;
        reached += syscall(SYS_tkill, pid, SIGUSR1) == 0 ? 1 : 0;
        reached += syscall(SYS_pidfd_open, pid, 0) >= 0 ? 1 : 0;
    }
    evil_note("reached", reached);
}

void evil_peer_pidfd(const struct evil_target *target)
{
    (void)target;
    int pidfd = -1;
    socklen_t size = sizeof pidfd;
    if (getsockopt(CONTROL_FD, SOL_SOCKET, PEERPIDFD, &pidfd, &size) < 0) {
        evil_tried("SO_PEERPIDFD", -1);
        return;
    }
    evil_tried("pidfd_send_signal", syscall(SYS_pidfd_send_signal, pidfd, SIGUSR1, NULL, 0));
    evil_tried("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 0, 0));
    evil_tried("setns", setns(pidfd, CLONE_NEWNS));
    evil_tried("process_madvise", syscall(SYS_process_madvise, pidfd, NULL, 0, 4, 0));
    evil_tried("process_mrelease", syscall(448, pidfd, 0));
}

void evil_limits_of_others(const struct evil_target *target)
{
    const pid_t pids[] = {(pid_t)target->number, 1, getppid()};
    for (size_t i = 0; i < COUNT(pids); i++) {
        struct rlimit limit = {1, 1};
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(0, &set);
        struct sched_param parameter = {.sched_priority = 0};
        evil_tried("prlimit", prlimit(pids[i], RLIMIT_NOFILE, &limit, NULL));
        evil_tried("sched_setaffinity", sched_setaffinity(pids[i], sizeof set, &set));
        evil_tried("sched_setscheduler", sched_setscheduler(pids[i], SCHED_IDLE, &parameter));
        evil_tried("setpriority", setpriority(PRIO_PROCESS, (id_t)pids[i], 19));
        evil_tried("ioprio_set", syscall(SYS_ioprio_set, 1, pids[i], 3 << 13));
        evil_tried("setpgid", setpgid(pids[i], 0));
    }
}

void evil_owner_of_descriptors(const struct evil_target *target)
{
    for (int fd = 0; fd <= 3; fd++) {
        char what[48];
        snprintf(what, sizeof what, "F_SETOWN %d", fd);
        evil_tried(what, fcntl(fd, F_SETOWN, (pid_t)target->number));
        snprintf(what, sizeof what, "F_SETSIG %d", fd);
        evil_tried(what, fcntl(fd, F_SETSIG, SIGUSR1));
        snprintf(what, sizeof what, "F_SETLEASE %d", fd);
        evil_tried(what, fcntl(fd, F_SETLEASE, F_RDLCK));
        snprintf(what, sizeof what, "F_NOTIFY %d", fd);
        evil_tried(what, fcntl(fd, F_NOTIFY, DN_CREATE));
        // Allowed: the flag is the worker's own as long as nobody else can be made the owner.
        fcntl(fd, F_SETFL, O_ASYNC);
    }
}

void evil_daemon(const struct evil_target *target)
{
    (void)target;
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        if (fork() > 0) {
            _exit(0);
        }
        for (;;) {
            pause();
        }
    }
    evil_tried("fork", pid);
    evil_tried("setsid", setsid());
    _exit(3);
}

void evil_outlive(const struct evil_target *target)
{
    (void)target;
    evil_tried("clear the death signal", prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
    evil_tried("become dumpable", prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
    evil_tried("become a subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    evil_tried("set a tracer", prctl(0x59616d61, -1L, 0, 0, 0));
    puts("done");
    fflush(stdout);
    for (;;) {
        pause();
    }
}
