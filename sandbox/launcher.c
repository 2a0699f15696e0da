// SPDX-License-Identifier: Apache-2.0
// The broker's end of the launcher: requests out, events in.
#include "sandbox/launcher.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"
#include "sandbox/launcher_orphans.h"
#include "sandbox/launcher_process.h"
#include "sandbox/launcher_request.h"
#include "sandbox/launcher_wire.h"
#include "sandbox/lend.h"

// The launcher gives itself 1.8 s to end what it started.
enum { STOP_MS = 2500, ORPHAN_MS = 500 };

struct launcher {
    int socket;
    pid_t pid;
    int pidfd;
    bool is_lost;
    struct launch_event *queue;  // owned: events that arrived while something else was waited for
    size_t queue_count;
    size_t queue_capacity;
    uint32_t own_count;
    bool has_meters;  // it was asked for them
    struct launch_meters meters;
    char *owned_path;  // owned: of the socket file, NULL = none
    struct stat owned;
};

static const char *const step_texts[] = {
#define X(name, text) [LAUNCH_STEP_##name] = text,
    LAUNCH_STEPS(X)
#undef X
};

const char *launcher_step_text(enum launch_step step)
{
    return (size_t)step < ARRAY_COUNT(step_texts) ? step_texts[step] : "?";
}

int launcher_fd(const struct launcher *launcher)
{
    return launcher->socket;
}

pid_t launcher_pid(const struct launcher *launcher)
{
    return launcher->pid;
}

// Makes the process and the socket to it.
static int fork_launcher(struct launcher *launcher)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return -errno;
    }
    auto_fd int ours = pair[0];
    auto_fd int theirs = pair[1];
    pid_t pid = fork();
    if (pid < 0) {
        return -errno;
    }
    if (pid == 0) {
        launcher_process_run(theirs);
    }
    int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) {
        int error = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return -error;
    }
    // Whoever loses the launcher as its parent becomes a child of this process.
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    launcher->pid = pid;
    launcher->pidfd = pidfd;
    launcher->socket = steal_fd(&ours);
    return 0;
}

int launcher_start(struct launcher **out_launcher)
{
    struct launcher *launcher = calloc(1, sizeof *launcher);
    if (launcher == NULL) {
        return -ENOMEM;
    }
    int result = fork_launcher(launcher);
    if (result < 0) {
        free(launcher);
        return result;
    }
    *out_launcher = launcher;
    return 0;
}

static void forget_event(struct launch_event *event)
{
    cleanup_fd(&event->pidfd);
}

// The launcher does it, also when this process dies; but not when it was itself that died.
static void unlink_owned(struct launcher *launcher)
{
    struct stat info;
    if (launcher->owned_path != NULL && lstat(launcher->owned_path, &info) == 0 &&
        info.st_dev == launcher->owned.st_dev && info.st_ino == launcher->owned.st_ino) {
        unlink(launcher->owned_path);
    }
    free(launcher->owned_path);
}

int launcher_stop(struct launcher *launcher)
{
    if (launcher == NULL) {
        return 0;
    }
    close(launcher->socket);
    struct pollfd gone = {.fd = launcher->pidfd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&gone, 1, STOP_MS);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) {
        // What it started goes with it, by the death signal.
        kill(launcher->pid, SIGKILL);
    }
    int status = 0;
    if (waitpid(launcher->pid, &status, 0) == launcher->pid && WIFSIGNALED(status)) {
        // It was killed, maybe in the middle of making a sandbox: what had no death signal yet has
        // become ours.
        launcher_orphans_end(ORPHAN_MS);
        lend_sweep();
    }
    close(launcher->pidfd);
    unlink_owned(launcher);
    for (size_t i = 0; i < launcher->queue_count; i++) {
        forget_event(&launcher->queue[i]);
    }
    free(launcher->queue);
    free(launcher);
    return ready > 0 ? 0 : -ETIMEDOUT;
}

// --- Events -----------------------------------------------------------------------------------

static void read_answer(const struct launcher_answer *from, int pidfd, struct launch_event *event)
{
    *event = (struct launch_event){.kind = (enum launch_event_kind)from->kind,
                                   .serial = from->serial,
                                   .pid = from->pid,
                                   .pidfd = pidfd,
                                   .step = (enum launch_step)from->step,
                                   .error = from->error,
                                   .wait_status = from->wait_status,
                                   .uid = from->uid,
                                   .missing_walls = from->missing_walls,
                                   .denied_call = from->denied_call,
                                   .denied_arch = from->denied_arch,
                                   .usage = from->usage,
                                   .meters = from->meters};
    if (event->kind == LAUNCH_FAILED) {
        struct text text = TEXT_OVER(event->text);
        const char *why =
            strnlen(from->text, sizeof from->text) < sizeof from->text ? from->text : "";
        text_add_format(&text, "%s: ", launcher_step_text(event->step));
        if (why[0] != '\0') {
            text_add_escaped(&text, why, strlen(why));
        } else {
            text_add(&text, strerror(-event->error));
        }
    }
}

// Receives one event from the socket.
static int take_answer(struct launcher *launcher, struct launch_event *out_event)
{
    if (launcher->is_lost) {
        return -EPIPE;
    }
    struct launcher_answer answer;
    int pidfd = -1;
    size_t fd_count = 0;
    int size_bytes =
        fd_receive_message(launcher->socket, &answer, sizeof answer, &pidfd, 1, &fd_count);
    if (size_bytes == -EAGAIN) {
        return -EAGAIN;
    }
    bool is_whole = size_bytes == (int)sizeof answer;
    bool is_spawned = is_whole && answer.kind == LAUNCH_SPAWNED;
    if (!is_whole || answer.kind < LAUNCH_SPAWNED || answer.kind > LAUNCH_METERS ||
        (fd_count == 1) != is_spawned) {
        if (size_bytes > 0 && fd_count == 1) {
            close(pidfd);
        }
        launcher->is_lost = true;
        return -EPIPE;
    }
    read_answer(&answer, fd_count == 1 ? pidfd : -1, out_event);
    return 0;
}

static int put_aside(struct launcher *launcher, const struct launch_event *event)
{
    if (launcher->queue_count == launcher->queue_capacity) {
        size_t capacity = launcher->queue_capacity * 2 + 16;
        struct launch_event *queue = realloc(launcher->queue, capacity * sizeof *queue);
        if (queue == NULL) {
            return -ENOMEM;
        }
        launcher->queue = queue;
        launcher->queue_capacity = capacity;
    }
    launcher->queue[launcher->queue_count++] = *event;
    return 0;
}

static struct launch_event take_from_queue(struct launcher *launcher, size_t index)
{
    struct launch_event event = launcher->queue[index];
    launcher->queue_count--;
    memmove(launcher->queue + index, launcher->queue + index + 1,
            (launcher->queue_count - index) * sizeof launcher->queue[0]);
    return event;
}

int launcher_receive(struct launcher *launcher, struct launch_event *out_event)
{
    for (;;) {
        struct launch_event event;
        if (launcher->queue_count > 0) {
            event = take_from_queue(launcher, 0);
        } else {
            int result = take_answer(launcher, &event);
            if (result < 0) {
                return result;
            }
        }
        if (event.serial <= LAUNCH_SERIAL_MAX) {
            *out_event = event;
            return 0;
        }
        // Late news of a process that nobody waits for any more.
        forget_event(&event);
    }
}

bool launcher_has_kept(const struct launcher *launcher)
{
    return launcher->queue_count > 0;
}

int launcher_receive_of(struct launcher *launcher, uint32_t serial, struct launch_event *out_event)
{
    for (size_t i = 0; i < launcher->queue_count; i++) {
        if (launcher->queue[i].serial == serial) {
            *out_event = take_from_queue(launcher, i);
            return 0;
        }
    }
    for (;;) {
        struct launch_event event;
        int result = take_answer(launcher, &event);
        if (result < 0) {
            return result;
        }
        if (event.serial == serial) {
            *out_event = event;
            return 0;
        }
        result = put_aside(launcher, &event);
        if (result < 0) {
            forget_event(&event);
            launcher->is_lost = true;
            return result;
        }
    }
}

uint32_t launcher_own_serial(struct launcher *launcher)
{
    launcher->own_count = (launcher->own_count + 1) & LAUNCH_SERIAL_MAX;
    return LAUNCH_SERIAL_MAX + 1 + launcher->own_count;
}

// --- Requests ---------------------------------------------------------------------------------

// Events that the launcher waits to get rid of would hold up both sides: they are taken meanwhile.
static int wait_for_room(struct launcher *launcher)
{
    struct pollfd polled = {.fd = launcher->socket, .events = POLLIN | POLLOUT};
    if (poll(&polled, 1, -1) < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    struct launch_event event;
    int result;
    while ((polled.revents & POLLIN) != 0 && (result = take_answer(launcher, &event)) != -EAGAIN) {
        if (result == 0) {
            result = put_aside(launcher, &event);
        }
        if (result < 0) {
            return result;
        }
    }
    return (polled.revents & (POLLHUP | POLLERR)) != 0 ? -EPIPE : 0;
}

static int send_request(struct launcher *launcher, const struct launcher_request *request,
                        const int *fds, size_t fd_count)
{
    if (launcher->is_lost) {
        return -EPIPE;
    }
    size_t size_bytes = launcher_request_bytes(request);
    for (;;) {
        int result = fd_send_message(launcher->socket, request, size_bytes, fds, fd_count);
        if (result == -EAGAIN) {
            result = wait_for_room(launcher);
        } else {
            return result == -ECONNRESET ? -EPIPE : result;
        }
        if (result < 0) {
            return result;
        }
    }
}

int launcher_spawn(struct launcher *launcher, const struct launch_plan *plan, uint32_t serial)
{
    // Nobody else uses it: the broker has one thread that starts workers.
    static struct launcher_request request;
    memset(&request, 0, offsetof(struct launcher_request, strings));
    request.kind = LAUNCHER_SPAWN;
    request.serial = serial;
    int fds[LAUNCHER_FDS_MAX];
    size_t fd_count = 0;
    int result = launcher_request_fill(&request, plan, fds, &fd_count);
    return result < 0 ? result : send_request(launcher, &request, fds, fd_count);
}

int launcher_kill(struct launcher *launcher, uint32_t serial)
{
    struct launcher_request request;
    memset(&request, 0, offsetof(struct launcher_request, strings));
    request.kind = LAUNCHER_KILL;
    request.serial = serial;
    return send_request(launcher, &request, NULL, 0);
}

int launcher_get_ready(struct launcher *launcher, bool is_caged, bool is_metered)
{
    struct launcher_request request;
    memset(&request, 0, offsetof(struct launcher_request, strings));
    request.kind = LAUNCHER_READY;
    request.sandbox.tier = is_caged ? SANDBOX_UNTRUSTED : SANDBOX_TRUSTED;
    request.sandbox.is_metered = is_metered;
    return send_request(launcher, &request, NULL, 0);
}

int launcher_meters(struct launcher *launcher, struct launch_meters *out_meters)
{
    if (launcher->has_meters) {
        *out_meters = launcher->meters;
        return 0;
    }
    struct launcher_request request;
    memset(&request, 0, offsetof(struct launcher_request, strings));
    request.kind = LAUNCHER_METERS;
    request.serial = launcher_own_serial(launcher);
    int result = send_request(launcher, &request, NULL, 0);
    while (result == 0) {
        struct launch_event event;
        result = launcher_receive_of(launcher, request.serial, &event);
        if (result == 0) {
            launcher->meters = event.meters;
            launcher->has_meters = true;
            *out_meters = event.meters;
            return 0;
        }
        if (result == -EAGAIN) {
            struct pollfd answered = {.fd = launcher->socket, .events = POLLIN};
            result = poll(&answered, 1, -1) < 0 && errno != EINTR ? -errno : 0;
        }
    }
    return result;
}

int launcher_own_socket(struct launcher *launcher, const char *path)
{
    // Relative paths mean the same there: the launcher never changes its folder.
    if (path[0] == '\0' || strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
        return -EINVAL;
    }
    struct stat info;
    if (lstat(path, &info) < 0) {
        return -errno;
    }
    struct launcher_request request;
    memset(&request, 0, offsetof(struct launcher_request, strings));
    request.kind = LAUNCHER_OWN_SOCKET;
    request.device = info.st_dev;
    request.inode = info.st_ino;
    request.string_bytes = (uint32_t)strlen(path) + 1;
    memcpy(request.strings, path, request.string_bytes);
    char *kept = strdup(path);
    if (kept == NULL) {
        return -ENOMEM;
    }
    free(launcher->owned_path);
    launcher->owned_path = kept;
    launcher->owned = info;
    return send_request(launcher, &request, NULL, 0);
}
