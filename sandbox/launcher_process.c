// SPDX-License-Identifier: Apache-2.0
// The life of the launcher: one round after the other, and the end, which leaves nothing behind.
#include "sandbox/launcher_process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "sandbox/launched.h"
#include "sandbox/launcher_begin.h"
#include "sandbox/launcher_jail.h"
#include "sandbox/launcher_meters.h"
#include "sandbox/launcher_orphans.h"
#include "sandbox/launcher_owned.h"
#include "sandbox/launcher_prepared.h"
#include "sandbox/launcher_reap.h"
#include "sandbox/launcher_reply.h"
#include "sandbox/launcher_request.h"
#include "sandbox/launcher_setup.h"
#include "sandbox/launcher_spares.h"
#include "sandbox/launcher_uid.h"
#include "sandbox/launcher_wire.h"
#include "sandbox/lend.h"

#define ROUND_MS 20
#define END_NS (1800 * CLOCK_NS_PER_MS)  // everything is gone within two seconds

struct process {
    int socket;
    int signal_fd;
    pid_t pid;
};

// One launcher per process: too large for a stack.
static struct process self;
static struct launcher_request request;

// --- Requests ---------------------------------------------------------------------------------

static void on_spawn(const int *fds, size_t fd_count)
{
    static struct launcher_spawn spawn;
    if (!launcher_request_take(&request, fds, fd_count, &spawn)) {
        launcher_reply_failure(request.serial, LAUNCH_STEP_REQUEST, -EPROTO);
        return;
    }
    spawn.plan.parent = self.pid;
    if (spawn.sandbox.tier == SANDBOX_UNTRUSTED) {
        struct launcher_answer failed = {.kind = LAUNCH_FAILED,
                                         .serial = request.serial,
                                         .step = LAUNCH_STEP_WALLS,
                                         .error = -EOPNOTSUPP};
        struct text text = TEXT_OVER(failed.text);
        if (!launcher_jail_is_walled(&spawn.sandbox, &text)) {
            launcher_reply(&failed, -1);
            return;
        }
    }
    enum launch_step step;
    int result = launcher_begin(&spawn, request.serial, &step);
    if (result < 0) {
        launcher_reply_failure(request.serial, step, result);
    }
}

static void on_meters(void)
{
    const struct cgroup *cgroup = launcher_meters_open();
    struct launcher_answer said = {.kind = LAUNCH_METERS,
                                   .serial = request.serial,
                                   .meters = {.step = cgroup->step,
                                              .has = cgroup->has,
                                              .is_own_uid = launcher_uid_can_claim()}};
    text_copy(said.meters.why, sizeof said.meters.why, cgroup->why);
    launcher_reply(&said, -1);
}

static void on_ready(void)
{
    if (request.sandbox.tier == SANDBOX_UNTRUSTED) {
        launcher_jail_missing_walls();
    }
    if (request.sandbox.is_metered != 0) {
        launcher_meters_open();
    }
}

static void on_kill(void)
{
    for (size_t i = 0; i < launched_count(); i++) {
        if (launched_at(i)->serial == request.serial && launched_at(i)->waits_as == NULL) {
            launched_kill(launched_at(i));
        }
    }
}

static void on_own_socket(void)
{
    size_t length = strnlen(request.strings, request.string_bytes);
    if (length < request.string_bytes) {
        launcher_owned_set(request.strings, length, request.device, request.inode);
    }
}

static void on_readable(void)
{
    int fds[LAUNCHER_FDS_MAX];
    size_t fd_count = 0;
    int size_bytes =
        fd_receive_message(self.socket, &request, sizeof request, fds, LAUNCHER_FDS_MAX, &fd_count);
    if (size_bytes == -EAGAIN) {
        return;
    }
    size_t fixed_bytes = offsetof(struct launcher_request, strings);
    if (size_bytes <= 0 || (size_t)size_bytes < fixed_bytes ||
        request.string_bytes > sizeof request.strings ||
        request.filter_bytes > sizeof request.strings ||
        (size_t)size_bytes != launcher_request_bytes(&request)) {
        // The broker is gone, or it is not our broker any more.
        launcher_reply_end();
    } else if (request.kind == LAUNCHER_SPAWN) {
        on_spawn(fds, fd_count);
    } else if (request.kind == LAUNCHER_KILL) {
        on_kill();
    } else if (request.kind == LAUNCHER_OWN_SOCKET) {
        on_own_socket();
    } else if (request.kind == LAUNCHER_METERS) {
        on_meters();
    } else if (request.kind == LAUNCHER_READY) {
        on_ready();
    } else {
        launcher_reply_end();
    }
    for (size_t i = 0; i < fd_count; i++) {
        close(fds[i]);
    }
}

// --- The life of the launcher -----------------------------------------------------------------

static void drain_signals(void)
{
    struct signalfd_siginfo info[16];
    while (read(self.signal_fd, info, sizeof info) > 0) {
    }
}

static void hear_ready(const struct pollfd *polled, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (polled[i].revents == 0) {
            continue;
        }
        for (size_t j = 0; j < launched_count(); j++) {
            if (launcher_reap_watched_fd(launched_at(j)) == polled[i].fd) {
                launcher_reap_news(launched_at(j));
                break;
            }
        }
    }
}

static void run_round(void)
{
    static struct pollfd polled[LAUNCHED_MAX + 2];
    polled[0] = (struct pollfd){.fd = self.socket, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = self.signal_fd, .events = POLLIN};
    size_t count = 2;
    for (size_t i = 0; i < launched_count(); i++) {
        int fd = launcher_reap_watched_fd(launched_at(i));
        if (fd >= 0) {
            polled[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
    int collect_ms = launcher_meters_collect();
    int quiet_ms = launcher_prepared_due_ms();
    int wait_ms =
        collect_ms < 0 || (quiet_ms >= 0 && quiet_ms < collect_ms) ? quiet_ms : collect_ms;
    if (poll(polled, (nfds_t)count, wait_ms) < 0) {
        SB_ASSERT(errno == EINTR || errno == ENOMEM);
        return;
    }
    launcher_spares_make();
    hear_ready(polled + 2, count - 2);
    if (polled[1].revents != 0) {
        drain_signals();
        launcher_reap_all();
    }
    if (polled[0].revents != 0) {
        on_readable();
    }
}

// Kills until nobody is left. A process that hangs in the kernel is left to its death signal.
static _Noreturn void end(void)
{
    launcher_owned_unlink();
    struct launcher_prepared prepared;
    while (launcher_prepared_take(&prepared)) {
        launcher_prepared_close(&prepared);
    }
    int64_t deadline_ns = clock_now_ns() + END_NS;
    for (;;) {
        for (size_t i = 0; i < launched_count(); i++) {
            launched_kill(launched_at(i));
        }
        launcher_orphans_kill(launched_is_one);
        while (launcher_reap_one()) {
        }
        launcher_reap_finish();
        siginfo_t info;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD) {
            launcher_meters_close();
            _exit(0);
        }
        if (clock_now_ns() >= deadline_ns) {
            launcher_meters_close();
            _exit(1);
        }
        struct pollfd signals = {.fd = self.signal_fd, .events = POLLIN};
        poll(&signals, 1, ROUND_MS);
        drain_signals();
    }
}

_Noreturn void launcher_process_run(int socket)
{
    self.pid = getpid();
    prctl(PR_SET_NAME, "sb-launcher", 0, 0, 0);
    // No terminal: its signals go to the broker, and no worker can open it.
    setsid();
    self.socket = LAUNCHER_SETUP_SOCKET_FD;
    launcher_reply_open(self.socket);
    self.signal_fd = launcher_setup(socket);
    if (self.signal_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
        _exit(1);
    }
    // What others left, before it is lent again.
    lend_sweep();
    while (!launcher_reply_is_ended()) {
        run_round();
    }
    end();
}
