// SPDX-License-Identifier: Apache-2.0
// Prepares sandboxes and speaks with their shims.
#include "sandbox/launcher_jail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/search.h"
#include "base/text.h"
#include "sandbox/launcher_bwrap.h"
#include "sandbox/launcher_uid.h"
#include "sandbox/sealed_copy.h"
#include "sandbox/stage.h"
#include "sandbox/walls.h"

// Of a file that is copied into the sandbox, whose memory is the worker's.
#define COPY_BYTES_MAX (UINT64_C(16) << 20)

static char shim_path[PATH_MAX];

void launcher_jail_set_shim(const char *path)
{
    snprintf(shim_path, sizeof shim_path, "%s", path);
}

static const char *find_shim(void)
{
    char folder[PATH_MAX];
    if (shim_path[0] == '\0' && search_beside_program("../libexec", folder) == 0) {
        int length = snprintf(shim_path, sizeof shim_path, "%s/streambroker-shim", folder);
        if (length >= (int)sizeof shim_path) {
            shim_path[0] = '\0';
        }
    }
    return shim_path[0] != '\0' ? shim_path : NULL;
}

static bool is_own_uid;

bool launcher_jail_is_own_uid(void)
{
    return launcher_jail_missing_walls() == 0 && is_own_uid;
}

uint32_t launcher_jail_missing_walls(void)
{
    static uint32_t missing;
    static bool is_known;
    if (!is_known) {
        uid_t uid = 0;
        auto_fd int claim = -1;
        if (launcher_uid_claim(&uid, &claim) < 0) {
            uid = 0;
        }
        missing = walls_find_missing(find_shim(), uid, &is_own_uid);
        is_known = true;
    }
    return missing;
}

bool launcher_jail_is_walled(const struct sandbox_plan *plan, struct text *out_text)
{
    uint32_t missing = launcher_jail_missing_walls();
    if (missing == 0 || (plan->is_degrade && (missing & 1U << WALL_SHIM) == 0)) {
        return true;
    }
    for (unsigned wall = 0; wall < WALL_COUNT; wall++) {
        if ((missing & 1U << wall) != 0) {
            text_add_format(out_text, "%s%s (%s)", out_text->length > 0 ? ", " : "",
                            walls_name((enum wall)wall), walls_text((enum wall)wall));
        }
    }
    return false;
}

// --- Orders -----------------------------------------------------------------------------------

static bool add_bytes(struct shim_orders *orders, const void *bytes, size_t count)
{
    size_t used = orders->filter_bytes + orders->string_bytes;
    if (count > sizeof orders->bytes - used) {
        return false;
    }
    memcpy(orders->bytes + used, bytes, count);
    orders->string_bytes += (uint32_t)count;
    return true;
}

static bool add_list(struct shim_orders *orders, char *const *strings, uint32_t *out_count)
{
    uint32_t count = 0;
    for (; strings[count] != NULL; count++) {
        if (!add_bytes(orders, strings[count], strlen(strings[count]) + 1)) {
            return false;
        }
    }
    *out_count = count;
    return true;
}

// A sanitized program looks for leaks at its end, which needs /proc.
static bool add_environment(struct shim_orders *orders, char *const *strings)
{
    bool is_whole = add_list(orders, strings, &orders->environment_count);
#ifdef SB_SANITIZE_NAME
    static const char option[] = "ASAN_OPTIONS=detect_leaks=0";
    orders->environment_count++;
    is_whole = is_whole && add_bytes(orders, option, sizeof option);
#endif
    return is_whole;
}

static bool add_rule(struct shim_orders *orders, enum sandbox_bind_kind kind, const char *path)
{
    const char digit = (char)('0' + kind);
    orders->rule_count++;
    return orders->rule_count <= SHIM_RULES_MAX && add_bytes(orders, &digit, 1) &&
           add_bytes(orders, path, strlen(path) + 1);
}

static bool add_rules(struct shim_orders *orders, const struct sandbox_plan *plan)
{
    for (size_t i = 0; i < plan->bind_count; i++) {
        if (!add_rule(orders, plan->binds[i].kind, plan->binds[i].target)) {
            return false;
        }
    }
    return plan->tmpfs_bytes == SANDBOX_TMPFS_NONE || add_rule(orders, SANDBOX_BIND_WRITE, "/tmp");
}

static int make_orders(const struct launcher_spawn *spawn, struct launcher_jail *jail)
{
    uint32_t missing_walls = jail->missing_walls;
    const struct sandbox_plan *plan = &spawn->sandbox;
    struct shim_orders *orders = calloc(1, sizeof *orders);
    if (orders == NULL) {
        return -ENOMEM;
    }
    jail->orders = orders;
    orders->has_control = spawn->plan.control_fd >= 0;
    orders->has_network = (plan->grants & SANDBOX_GRANT_NETWORK) != 0;
    orders->has_landlock = (missing_walls & 1U << WALL_LANDLOCK) == 0;
    orders->rlimit_count = (uint32_t)plan->rlimit_count;
    for (size_t i = 0; i < plan->rlimit_count; i++) {
        orders->rlimits[i] = (struct shim_rlimit){.resource = (uint32_t)plan->rlimits[i].resource,
                                                  .value = plan->rlimits[i].value};
    }
    if ((missing_walls & 1U << WALL_SECCOMP) == 0) {
        memcpy(orders->bytes, plan->filter, plan->filter_bytes);
        orders->filter_bytes = (uint32_t)plan->filter_bytes;
    }
    const char *folder = spawn->plan.folder != NULL ? spawn->plan.folder : "/";
    bool is_whole = add_list(orders, spawn->plan.arguments, &orders->argument_count) &&
                    add_environment(orders, spawn->plan.environment) && add_rules(orders, plan) &&
                    add_bytes(orders, folder, strlen(folder) + 1);
    return is_whole ? 0 : -E2BIG;
}

static int keep_fds(const struct launcher_spawn *spawn, struct launcher_jail *jail)
{
    const int wanted[SHIM_FD_COUNT] = {[SHIM_FD_PROGRAM] = spawn->sandbox.program_fd,
                                       [SHIM_FD_STDOUT] = spawn->plan.stdout_fd,
                                       [SHIM_FD_STDERR] = spawn->plan.stderr_fd,
                                       [SHIM_FD_CONTROL] = spawn->plan.control_fd};
    for (size_t i = 0; i < SHIM_FD_COUNT; i++) {
        if (wanted[i] >= 0) {
            int fd = fcntl(wanted[i], F_DUPFD_CLOEXEC, LAUNCHER_CHILD_FD_MIN);
            if (fd < 0) {
                return -errno;
            }
            jail->fds[jail->fd_count++] = fd;
        }
    }
    return 0;
}

static void forget_orders(struct launcher_jail *jail)
{
    free(jail->orders);
    jail->orders = NULL;
    for (size_t i = 0; i < jail->fd_count; i++) {
        close(jail->fds[i]);
    }
    jail->fd_count = 0;
}

// --- Opening ----------------------------------------------------------------------------------

// Moves a descriptor of ours above the numbers that the child places.
static int raise_fd(int fd)
{
    if (fd < 0 || fd >= LAUNCHER_CHILD_FD_MIN) {
        return fd;
    }
    int raised = fcntl(fd, F_DUPFD_CLOEXEC, LAUNCHER_CHILD_FD_MIN);
    int error = errno;
    close(fd);
    errno = error;
    return raised;
}

static int open_socket(struct launcher_jail *jail, struct launcher_child_jail *child)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return -errno;
    }
    jail->socket = pair[0];
    child->socket_fd = raise_fd(pair[1]);
    const int is_on = 1;
    if (child->socket_fd < 0 ||
        setsockopt(jail->socket, SOL_SOCKET, SO_PASSCRED, &is_on, sizeof is_on) < 0) {
        return -errno;
    }
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0) {
        return -errno;
    }
    jail->errors_fd = pipes[0];
    child->errors_fd = raise_fd(pipes[1]);
    return child->errors_fd < 0 ? -errno : 0;
}

// A file that only its owner may read, where he cannot be mapped to the worker: its bytes do.
static int copy_file(struct sandbox_bind *bind)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", bind->fd);
    auto_fd int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return -errno;
    }
    uint64_t size_bytes;
    int memfd;
    int failed = sealed_copy(file, COPY_BYTES_MAX, &memfd, &size_bytes);
    if (failed == 0) {
        close(bind->fd);
        bind->fd = memfd;
        bind->kind = SANDBOX_BIND_DATA;
    }
    return failed == -EFBIG ? 0 : failed;
}

// What the worker's own user has no right to gets to it some way, mostly by mapping its owner when
// the process is made (stage.h).
static int hand_over(struct sandbox_bind *bind, struct launcher_jail *jail)
{
    struct stat info;
    bool is_written = bind->kind == SANDBOX_BIND_WRITE;
    if (jail->uid == 0 || (!is_written && bind->kind != SANDBOX_BIND_READ) ||
        fstat(bind->fd, &info) < 0) {
        return 0;
    }
    bool is_closed_file = S_ISREG(info.st_mode) && (info.st_mode & S_IROTH) == 0;
    if ((!is_written && !is_closed_file) || stage_can_map(bind->fd, getuid(), jail->uid) == 0) {
        return 0;
    }
    if (!is_written) {
        return copy_file(bind);
    }
    if (jail->lend_count == LAUNCHER_LENDS_MAX) {
        return -E2BIG;
    }
    int failed =
        lend_open(bind->fd, bind->target, getuid(), jail->uid, &jail->lends[jail->lend_count]);
    if (failed == 0) {
        jail->lend_count++;
        bind->kind = SANDBOX_BIND_PUBLIC;
    }
    return failed;
}

// The binds of the plan with descriptors of our own, whose numbers bwrap is told.
static int open_binds(const struct launcher_spawn *spawn, struct launcher_jail *jail,
                      struct launcher_child_jail *child)
{
    struct sandbox_plan plan = spawn->sandbox;
    for (size_t i = 0; i < plan.bind_count; i++) {
        if (plan.binds[i].kind == SANDBOX_BIND_DEVICE) {
            child->group_count =
                launcher_uid_add_groups(plan.binds[i].source, child->groups, child->group_count);
        }
        if (plan.binds[i].fd >= 0) {
            int fd = fcntl(plan.binds[i].fd, F_DUPFD_CLOEXEC, LAUNCHER_CHILD_FD_MIN);
            if (fd < 0) {
                return -errno;
            }
            struct sandbox_bind bind = plan.binds[i];
            bind.fd = fd;
            int failed = hand_over(&bind, jail);
            child->inherited_kinds[child->inherited_count] = bind.kind;
            child->inherited[child->inherited_count++] = bind.fd;
            if (failed != 0) {
                return failed;
            }
            plan.binds[i].fd = bind.fd;
            // One that is lent is written, and only not mapped.
            plan.binds[i].kind = bind.kind == SANDBOX_BIND_DATA ? bind.kind : plan.binds[i].kind;
        }
    }
    int fd = launcher_bwrap_options(&plan, child->shim_fd, child->is_late_uid);
    child->options_fd = raise_fd(fd);
    return fd < 0 ? fd : child->options_fd < 0 ? -errno : 0;
}

static int prepare(const struct launcher_spawn *spawn, struct launcher_jail *jail,
                   struct launcher_child_jail *child, enum launch_step *out_step)
{
    *out_step = LAUNCH_STEP_UID;
    int result = launcher_uid_claim(&jail->uid, &jail->claim_fd);
    if (result < 0 && result != -EPERM) {
        return result;
    }
    child->uid = result == 0 ? jail->uid : 0;
    child->is_late_uid = launcher_jail_is_own_uid();
    if (child->is_late_uid && child->uid == 0) {
        return -EPERM;
    }
    *out_step = LAUNCH_STEP_SANDBOX;
    result = open_socket(jail, child);
    if (result == 0) {
        const char *shim = find_shim();
        child->shim_fd = shim != NULL ? raise_fd(open(shim, O_PATH | O_CLOEXEC)) : -1;
        result = child->shim_fd < 0 ? -ENOENT : 0;
    }
    if (result == 0) {
        *out_step = LAUNCH_STEP_STAGE;
        result = open_binds(spawn, jail, child);
    }
    return result;
}

int launcher_jail_open(const struct launcher_spawn *spawn, uint32_t missing_walls,
                       struct launcher_jail *out_jail, struct launcher_child_jail *out_child,
                       enum launch_step *out_step)
{
    struct launcher_jail jail = {.socket = -1,
                                 .init_fd = -1,
                                 .errors_fd = -1,
                                 .claim_fd = -1,
                                 .missing_walls = missing_walls};
    struct launcher_child_jail child = {
        .shim_fd = -1, .socket_fd = -1, .options_fd = -1, .errors_fd = -1};
    child.bwrap = (missing_walls & WALLS_OF_BWRAP) == 0 ? walls_bwrap_path() : NULL;
    child.parent = spawn->plan.parent;
    int result = prepare(spawn, &jail, &child, out_step);
    if (result < 0) {
        launcher_jail_close_child(&child);
        launcher_jail_close(&jail);
        return result;
    }
    *out_jail = jail;
    *out_child = child;
    out_child->lends = out_jail->lends;
    out_child->lend_count = out_jail->lend_count;
    return 0;
}

void launcher_jail_close_child(struct launcher_child_jail *child)
{
    cleanup_fd(&child->shim_fd);
    cleanup_fd(&child->socket_fd);
    cleanup_fd(&child->options_fd);
    cleanup_fd(&child->errors_fd);
    for (size_t i = 0; i < child->inherited_count; i++) {
        close(child->inherited[i]);
    }
    child->inherited_count = 0;
}

// --- The shim ---------------------------------------------------------------------------------

// One message with the pid of who sent it, as it is here. Returns false when there is none.
static bool receive(struct launcher_jail *jail, struct shim_news *news, pid_t *out_pid)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec part = {.iov_base = news, .iov_len = sizeof *news};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t got;
    do {
        got = recvmsg(jail->socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN) {
        return false;
    }
    const struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (got != (ssize_t)sizeof *news || header == NULL || header->cmsg_type != SCM_CREDENTIALS) {
        cleanup_fd(&jail->socket);
        return false;
    }
    struct ucred sender;
    memcpy(&sender, CMSG_DATA(header), sizeof sender);
    *out_pid = sender.pid;
    return true;
}

// Whoever else had the shim's end has given it up: while the socket is open, the shim is there,
// and its pid is its own.
static bool is_connected(const struct launcher_jail *jail)
{
    struct pollfd polled = {.fd = jail->socket};
    return poll(&polled, 1, 0) == 0;
}

static int send_orders(struct launcher_jail *jail)
{
    jail->is_greeted = false;
    size_t size_bytes = offsetof(struct shim_orders, bytes) + jail->orders->filter_bytes +
                        jail->orders->string_bytes;
    int result = fd_send_message(jail->socket, jail->orders, size_bytes, jail->fds, jail->fd_count);
    forget_orders(jail);
    return result;
}

static void on_hello(struct launcher_jail *jail, pid_t pid)
{
    if (jail->init_fd >= 0) {
        return;
    }
    jail->init_fd = pidfd_open(pid, 0);
    if (jail->init_fd < 0 || !is_connected(jail)) {
        cleanup_fd(&jail->init_fd);
        cleanup_fd(&jail->socket);
        return;
    }
    jail->is_greeted = true;
    int result = jail->orders != NULL ? send_orders(jail) : 0;
    if (result < 0) {
        jail->failure =
            (struct shim_news){.kind = SHIM_FAILED, .step = LAUNCH_STEP_SANDBOX, .error = result};
        launcher_jail_kill(jail);
    }
}

int launcher_jail_order(struct launcher_jail *jail, const struct launcher_spawn *spawn)
{
    SB_ASSERT(jail->orders == NULL);
    int result = make_orders(spawn, jail);
    if (result == 0) {
        result = keep_fds(spawn, jail);
    }
    if (result == 0 && jail->is_greeted) {
        result = send_orders(jail);
    }
    return result;
}

enum launcher_jail_event launcher_jail_receive(struct launcher_jail *jail)
{
    struct shim_news news;
    pid_t pid;
    while (jail->socket >= 0 && receive(jail, &news, &pid)) {
        switch ((enum shim_news_kind)news.kind) {
        case SHIM_HELLO:
            on_hello(jail, pid);
            break;
        case SHIM_WORKER:
            jail->worker_pid = pid;
            (void)!send(jail->socket, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            return LAUNCHER_JAIL_WORKER;
        case SHIM_FAILED:
            jail->failure = news;
            return LAUNCHER_JAIL_FAILED;
        case SHIM_EXITED:
            jail->end = news;
            break;
        }
    }
    return LAUNCHER_JAIL_NOTHING;
}

void launcher_jail_kill(struct launcher_jail *jail)
{
    jail->is_killed = true;
    if (jail->init_fd >= 0) {
        syscall(SYS_pidfd_send_signal, jail->init_fd, SIGKILL, NULL, 0);
    } else {
        // A shim that comes to be after this finds the other end closed, and ends.
        cleanup_fd(&jail->socket);
    }
}

bool launcher_jail_is_over(const struct launcher_jail *jail)
{
    struct pollfd polled = {.fd = jail->init_fd, .events = POLLIN};
    return jail->init_fd < 0 || poll(&polled, 1, 0) == 1;
}

int launcher_jail_wait_status(const struct launcher_jail *jail)
{
    // Without a word of the shim it was killed itself: by us, or by the kernel for its memory.
    return jail->end.kind == SHIM_EXITED ? jail->end.wait_status : SIGKILL;
}

void launcher_jail_read_errors(const struct launcher_jail *jail, char *out, size_t size_bytes)
{
    ssize_t got = jail->errors_fd >= 0 ? read(jail->errors_fd, out, size_bytes - 1) : 0;
    out[got > 0 ? got : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

int launcher_jail_take_back(struct launcher_jail *jail)
{
    int result = 0;
    for (size_t i = 0; i < jail->lend_count; i++) {
        int failed = lend_take_back(&jail->lends[i]);
        result = failed != 0 ? failed : result;
    }
    return result;
}

void launcher_jail_close(struct launcher_jail *jail)
{
    forget_orders(jail);
    while (jail->lend_count > 0) {
        lend_close(&jail->lends[--jail->lend_count]);
    }
    cleanup_fd(&jail->socket);
    cleanup_fd(&jail->init_fd);
    cleanup_fd(&jail->errors_fd);
    cleanup_fd(&jail->claim_fd);
}
